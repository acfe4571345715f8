"""Servers of one variant over meetings with a version, all ready."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from redis.asyncio import Redis

from benchmarks.coherence.variants import Variant
from benchmarks.serving import Server, Stores, start, until_ready
from mina_api.settings import new_secret

DIRECTORY = Path(".dev/bench-coherence")
# A busy machine is no lost Redis.
PATIENT = {"MINA_REDIS_CONNECT_TIMEOUT_SECONDS": "5", "MINA_REDIS_COMMAND_TIMEOUT_SECONDS": "5"}


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
    module = f"benchmarks.coherence.servers.{variant.module}"
    environment = {"MINA_SECRET_KEY": new_secret(), **PATIENT, **variant.environment}
    servers = [start(stores, variant.python, module, environment) for _ in range(count)]
    try:
        await asyncio.gather(*(until_ready(variant.name, server, "/versioned", stores.log) for server in servers))
        yield servers
    finally:
        for server in servers:
            server.child.stop()
