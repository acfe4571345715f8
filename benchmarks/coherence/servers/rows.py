"""The meetings in Postgres, as every server but Mina's own reads and writes them."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI

READ = "SELECT id, version FROM versioned ORDER BY id"
READ_ONE = "SELECT id, version FROM versioned WHERE id = $1"
WRITE = "UPDATE versioned SET version = $2 WHERE id = $1"


@asynccontextmanager
async def pooled(app: FastAPI) -> AsyncIterator[None]:
    """`app.state.pool`, connections to Postgres, for as long as the application runs."""
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=5, max_size=10) as pool:
        app.state.pool = pool
        yield


async def read_one(app: FastAPI, meeting_id: int) -> Mapping[str, Any]:
    """A meeting."""
    return dict(await app.state.pool.fetchrow(READ_ONE, meeting_id))


async def read_all(app: FastAPI) -> list[Mapping[str, Any]]:
    """All of them."""
    return [dict(row) for row in await app.state.pool.fetch(READ)]


async def write(app: FastAPI, meeting_id: int, version: int) -> None:
    """A new version, committed."""
    await app.state.pool.execute(WRITE, meeting_id, version)
