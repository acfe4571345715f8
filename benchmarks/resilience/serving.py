"""Workers of one variant that share a count of loads, and a client's requests to them."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from redis.asyncio import Redis

from benchmarks.resilience.variants import Variant
from benchmarks.serving import Server, Stores, start, until_ready
from benchmarks.speed.servers.page import a_token
from mina_api.settings import new_secret
from tests.system.history.connections import Connection

DIRECTORY = Path(".dev/bench-resilience")
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """Workers that are ready, the token of one user, and the file that a load is a line in."""

    servers: list[Server]
    token: str
    file: Path

    @property
    def loads(self) -> int:
        """How often the handler has run, in all workers together."""
        return self.file.read_bytes().count(b"\n")

    def request(self, page: int) -> bytes:
        """A request for a page."""
        lines = (f"GET /page?page={page} HTTP/1.1", "Host: bench", f"Authorization: Bearer {self.token}")
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()

    async def warm(self, *pages: int) -> None:
        """Have every worker answer each page, and once more."""
        for server in self.servers:
            connection = await Connection.open(server.port, PATIENCE_SECONDS)
            for page in (*pages, *pages):
                _, answer = await connection.ask(self.request(page), PATIENCE_SECONDS)
                if answer.status != 200:
                    raise SystemExit(f"page {page} is {answer.status}: {answer.body[:200]!r}")
            connection.close()


@asynccontextmanager
async def serving(stores: Stores, variant: Variant, count: int, load_seconds: float) -> AsyncIterator[Service]:
    """So many workers of a variant over an empty Redis; a load takes `load_seconds`."""
    async with Redis.from_url(stores.redis_url) as redis:
        await redis.flushall()
    file = (stores.directory / "loads").resolve()
    file.write_bytes(b"")
    environment = {
        "BENCH_LOAD_SECONDS": str(load_seconds),
        "BENCH_LOADS_FILE": str(file),
        "MINA_SECRET_KEY": new_secret(),
        **variant.environment,
    }
    servers = [start(stores, variant.python, variant.module, environment) for _ in range(count)]
    try:
        await asyncio.gather(*(until_ready(variant.name, server, variant.ready, stores.log) for server in servers))
        token = await _signed_in(servers[0]) if variant.is_mina else a_token()
        yield Service(servers, token, file)
    finally:
        for server in servers:
            server.child.stop()


async def _signed_in(server: Server) -> str:
    """The access token of a new user."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=PATIENCE_SECONDS) as client:
        email, password = f"{secrets.token_hex(8)}@example.com", secrets.token_urlsafe(16)
        account = {"email": email, "name": "Bench", "password": password}
        (await client.post("/api/auth/register", json=account)).raise_for_status()
        answer = await client.post("/api/auth/token", data={"username": email, "password": password})
        return str(answer.raise_for_status().json()["access_token"])
