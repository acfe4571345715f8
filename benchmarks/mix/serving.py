"""A copy of the filled database, which may be written to, and members of its workspace who are signed in."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import asyncpg
import httpx

from benchmarks.servers import served

COPY = "mix"
PATIENCE_SECONDS = 60.0


@contextmanager
def copied(database_url: str) -> Iterator[str]:
    """The URL of a copy of the database, which may be written to; gone after the block."""
    _execute(database_url, f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")
    name = urlsplit(database_url).path.lstrip("/")
    maintenance = database_url.removesuffix(name) + "postgres"
    _execute(maintenance, f"CREATE DATABASE {COPY} TEMPLATE {name} STRATEGY FILE_COPY")
    try:
        yield database_url.removesuffix(name) + COPY
    finally:
        _execute(maintenance, f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement, timeout=600)
        finally:
            await connection.close()

    asyncio.run(run())


def recent_meetings(database_url: str) -> list[int]:
    """The ids of the workspace's meetings that have a transcript, the latest first."""

    async def run() -> list[int]:
        connection = await asyncpg.connect(database_url)
        try:
            found = await connection.fetch(
                "SELECT id FROM meetings WHERE started_at IS NOT NULL AND status = 'completed'"
                " ORDER BY started_at DESC, id"
            )
        finally:
            await connection.close()
        return [row["id"] for row in found]

    return asyncio.run(run())


def signed_in(database_url: str, secret: str, count: int) -> list[str]:
    """Access tokens of so many new members of the demo's workspace."""
    environment = {"MINA_SECRET_KEY": secret, "MINA_AUTH_ACCESS_TOKEN_SECONDS": "86400"}
    tokens = []
    with served(database_url, **environment) as owner:
        workspace = owner.get("/api/auth/me").raise_for_status().json()["workspace"]["id"]
        for number in range(count):
            email, password = f"member-{number}@example.com", secrets.token_urlsafe(16)
            account = {"email": email, "name": f"Member {number}", "password": password}
            token = owner.post("/api/auth/register", json=account).raise_for_status().json()["access_token"]
            new = {"email": email, "role": "member"}
            owner.post(f"/api/workspaces/{workspace}/members", json=new).raise_for_status()
            headers, choice = {"Authorization": f"Bearer {token}"}, {"workspace_id": workspace}
            owner.put("/api/workspaces/current", headers=headers, json=choice).raise_for_status()
            tokens.append(token)
    return tokens


def check_answer(port: int, token: str) -> None:
    """Raise unless a member is answered from the workspace."""
    url = f"http://127.0.0.1:{port}/api/meetings/"
    answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS)
    if not answer.raise_for_status().json()["total"]:
        raise SystemExit("the members see no meetings")
