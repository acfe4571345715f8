"""A worker at DEBUG through all that handles secrets, and through the loss of both servers: none of them is logged."""

import asyncio
import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
from redis.asyncio import Redis
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from mina_api.dev.valkey import PrivateValkey
from mina_api.settings import new_secret
from tests.system.serving import Serving, serving

DEADLINE_SECONDS = 60
EMAIL = "ada@example.com"


class Planted:
    """What must not be in a log, by what it is."""

    def __init__(self) -> None:
        self.secrets = {
            name: secrets.token_urlsafe(24)
            for name in ("password", "wrong password", "ops token", "redis password", "wrong ops token")
        } | {"secret key": new_secret(), "encryption key": new_secret(), "signing key": new_secret()}

    def add(self, name: str, secret: str) -> str:
        assert len(secret) >= 20, name
        self.secrets[name] = secret
        return secret

    def __getitem__(self, name: str) -> str:
        return self.secrets[name]

    def found_in(self, log: str) -> set[str]:
        """Which are there, also in part: a token's last third is its signature."""
        return {name for name, secret in self.secrets.items() if secret in log or secret[-len(secret) // 3 :] in log}


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not holds():  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.1)


async def sign_in(client: httpx.AsyncClient, planted: Planted) -> dict[str, str]:
    """Register, sign in rightly and wrongly, refresh; the headers of who is signed in."""
    account = {"email": EMAIL, "name": "Ada", "password": planted["password"]}
    pairs = [(await client.post("/api/auth/register", json=account)).json()]
    for name in ("wrong password", "password"):
        form = {"username": EMAIL, "password": planted[name]}
        answer = await client.post("/api/auth/token", data=form)
    pairs.append(answer.json())
    pairs.append((await client.post("/api/auth/refresh", json={"refresh_token": pairs[1]["refresh_token"]})).json())
    # Used up: the family ends.
    await client.post("/api/auth/refresh", json={"refresh_token": pairs[1]["refresh_token"]})
    await client.post("/api/auth/register", json={"email": "no address", "password": planted["password"]})
    await client.post("/api/auth/token", content=b"\xff" + planted["password"].encode())
    for number, pair in enumerate(pairs):
        planted.add(f"access token {number}", pair["access_token"])
        planted.add(f"refresh token {number}", pair["refresh_token"])
    return {"Authorization": f"Bearer {pairs[0]['access_token']}"}


async def use(server: Serving, client: httpx.AsyncClient, planted: Planted, own: dict[str, str]) -> None:
    """Keys, tickets, sockets, the dashboard's session, and reads by each."""
    made = await client.post("/api/auth/api-keys", json={"name": "robot", "scope": "write"}, headers=own)
    key = {"X-API-Key": planted.add("API key", made.json()["key"])}
    meeting = (await client.post("/api/meetings/", json={"title": "Retro"}, headers=own)).json()["id"]
    for headers in (own, own, own, key, {"Authorization": f"Bearer {key['X-API-Key']}"}, {**own, "Accept": "\x7f"}):
        await client.get(f"/api/meetings/{meeting}", headers=headers)
    forged = planted.add("forged token", f"{own['Authorization'][7:-12]}{'x' * 12}")
    await client.get("/api/auth/me", headers={"Authorization": f"Bearer {forged}"})
    await client.get("/api/auth/me", headers={"X-API-Key": planted.add("forged key", f"mina_1_{'y' * 43}")})
    session = (await client.post("/api/sessions/", json={"meeting_id": meeting}, headers=own)).json()["id"]
    address = f"{server.url.replace('http', 'ws')}/api/sessions/{session}/live"
    for number in range(2):
        ticket = (await client.post(f"/api/sessions/{session}/ticket", headers=own)).json()["ticket"]
        planted.add(f"ticket {number}", ticket)
        # A second time it is used up.
        for _ in range(2):
            try:
                async with connect(f"{address}?since=0&ticket={ticket}") as socket:
                    await socket.send("{no json")
                    await socket.recv()
            except WebSocketException:
                pass
    async with connect(address, additional_headers=own) as socket:
        await socket.recv()
    for name in ("wrong ops token", "ops token"):
        opened = await client.post("/ops/session", json={"token": planted[name]})
    planted.add("session", opened.cookies["mina_ops"])
    await client.get("/ops/alerts")
    await client.get("/ops/cache/stats", headers={"Authorization": f"Bearer {planted['ops token']}"})
    await client.get("/ops/cache/keys", headers={"Authorization": f"Bearer {planted['ops token']}"})
    await client.post("/ops/session", json={"email": EMAIL, "password": planted["wrong password"]})
    await client.post("/ops/session", json={"email": EMAIL, "password": planted["password"]})


class TestSecrets:
    async def test_are_in_no_log_at_any_level(
        self, tmp_path: Path, database_url: str, private_valkey: PrivateValkey
    ) -> None:
        planted = Planted()
        planted.add("database password", urlsplit(database_url).password or "")
        async with Redis.from_url(private_valkey.url) as administration:
            await administration.config_set("requirepass", planted["redis password"])
        port = urlsplit(private_valkey.url).port
        environment = {
            "MINA_LOG_LEVEL": "DEBUG",
            "MINA_LOG_LEVELS": "mina_api=DEBUG,mina.access=DEBUG",
            "MINA_SECRET_KEY": planted["secret key"],
            "MINA_OPS_TOKEN": planted["ops token"],
            "MINA_CACHE_SERIALIZER": "pickle",
            "MINA_CACHE_SIGNING_KEYS": planted["signing key"],
            "MINA_CACHE_ENCRYPTION_KEYS": planted["encryption key"],
            "MINA_REDIS_COMMAND_TIMEOUT_SECONDS": "0.5",
        }
        redis_url = f"redis://:{planted['redis password']}@127.0.0.1:{port}/0"
        with serving(tmp_path, database_url, redis_url, **environment) as server:
            async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE_SECONDS) as client:
                own = await sign_in(client, planted)
                fresh = {"username": EMAIL, "password": planted["password"]}
                token = (await client.post("/api/auth/token", data=fresh)).json()["access_token"]
                own = {"Authorization": f"Bearer {planted.add('own token', token)}"}
                await use(server, client, planted, own)
                private_valkey.kill()
                for path in ("/api/meetings/", "/ops/health", "/api/analytics/overview"):
                    await client.get(path, headers=own)
                await lose_postgres(database_url, client, own, planted)
        log = server.log.read_text()

        assert planted.found_in(log) == set()
        # It does say what happened.
        levels = {json.loads(line)["level"] for line in log.splitlines() if line.startswith("{")}
        assert {"debug", "info", "error"} <= levels
        assert re.search(r"Redis|redis", log) and "Postgres" in log


async def lose_postgres(database_url: str, client: httpx.AsyncClient, own: dict[str, str], planted: Planted) -> None:
    """Cut every connection to the database, and let none in for a while."""
    name = urlsplit(database_url).path[1:]
    connection = await asyncpg.connect(database_url.rsplit("/", 1)[0] + "/postgres")
    try:
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        for path in ("/api/meetings/?page=2", "/api/analytics/engagement", "/ops/health"):
            await client.get(path, headers=own)
        await client.post("/api/meetings/", json={"title": "Lost"}, headers=own)
        await client.post("/api/auth/token", data={"username": EMAIL, "password": planted["password"]})
    finally:
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await connection.close()


class TestSettings:
    async def test_say_no_secret_where_a_server_cannot_start(self, tmp_path: Path, database_url: str) -> None:
        planted = {"SECRET-" + secrets.token_urlsafe(8) for _ in range(3)}
        one, two, three = planted
        try:
            with serving(tmp_path, f"mysql://u:{one}@h/d", f"http://:{two}@h", MINA_SECRET_KEY=three):
                raise AssertionError("it started")
        except AssertionError as failure:
            said = str(failure)

        assert "DATABASE_URL" in said
        assert not any(secret in said for secret in planted)
