"""Servers of one variant: processes of one worker each, over one Postgres and one Valkey of the benchmark's own."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from redis.asyncio import Redis

from benchmarks.coherence.variants import Variant
from mina_api.db.migrations import upgrade
from mina_api.dev.ports import free_port
from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.processes import Child, last_lines, spawn
from mina_api.dev.valkey import PrivateValkey
from mina_api.settings import new_secret
from tests.system.history.connections import Connection, Lost

DIRECTORY = Path(".dev/bench-coherence")
START_SECONDS = 60.0
# A busy machine is no lost Redis.
PATIENT = {"MINA_REDIS_CONNECT_TIMEOUT_SECONDS": "5", "MINA_REDIS_COMMAND_TIMEOUT_SECONDS": "5"}


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the data is."""

    database_url: str
    redis_url: str


@contextmanager
def stores() -> Iterator[Stores]:
    """A Postgres with Mina's schema, and a Valkey; both gone afterwards."""
    postgres, valkey = PrivatePostgres(DIRECTORY / "postgres", durable=False), PrivateValkey(DIRECTORY / "valkey")
    try:
        upgrade(postgres.start())
        valkey.start()
        yield Stores(postgres.url, valkey.url)
    finally:
        valkey.stop()
        postgres.stop()


@dataclass(frozen=True, slots=True)
class Server:
    """A worker that answers at `port`."""

    port: int
    child: Child


@asynccontextmanager
async def serving(stores: Stores, variant: Variant, count: int, meetings: int) -> AsyncIterator[list[Server]]:
    """So many workers of a variant, all ready, over `meetings` meetings of version 0."""
    connection = await asyncpg.connect(stores.database_url)
    await connection.execute("CREATE TABLE IF NOT EXISTS versioned (id bigint PRIMARY KEY, version bigint NOT NULL)")
    await connection.execute("TRUNCATE versioned")
    await connection.execute("INSERT INTO versioned SELECT id, 0 FROM generate_series(1, $1) id", meetings)
    await connection.close()
    async with Redis.from_url(stores.redis_url) as redis:
        await redis.flushall()
    secret = new_secret()
    servers = [_start(stores, variant, secret) for _ in range(count)]
    try:
        await asyncio.gather(*(_until_ready(variant, server) for server in servers))
        yield servers
    finally:
        for server in servers:
            server.child.stop()


def _start(stores: Stores, variant: Variant, secret: str) -> Server:
    port = free_port()
    module = f"benchmarks.coherence.servers.{variant.module}:app"
    child = spawn(
        [variant.python, "-m", "uvicorn", module, "--port", str(port), "--log-level", "warning", "--no-access-log"],
        log=DIRECTORY / "servers.log",
        environment={
            **os.environ,
            "BENCH_DATABASE_URL": stores.database_url,
            "BENCH_REDIS_URL": stores.redis_url,
            "DATABASE_URL": stores.database_url,
            "REDIS_URL": stores.redis_url,
            "MINA_SECRET_KEY": secret,
            "MINA_LOG_LEVEL": "WARNING",
            **PATIENT,
            **variant.environment,
        },
    )
    return Server(port, child)


async def _until_ready(variant: Variant, server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.child.is_alive:
        try:
            connection = await Connection.open(server.port, 1.0)
            _, answer = await connection.ask(b"GET /versioned HTTP/1.1\r\nHost: bench\r\n\r\n", 5.0)
            connection.close()
            if answer.status == 200:
                return
        except Lost:
            await asyncio.sleep(0.05)
    raise SystemExit(f"{variant.name} does not answer: {last_lines(DIRECTORY / 'servers.log')}")
