"""fastapi-cache2 on Redis: what a write changes is cleared by key after it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi_cache import FastAPICache
from fastapi_cache.backends.redis import RedisBackend
from fastapi_cache.decorator import cache
from redis import asyncio as aioredis

from benchmarks.coherence.servers.rows import pooled, read_all, read_one, write


def by_meeting(_: Any, namespace: str, *, kwargs: dict[str, Any], **__: Any) -> str:
    """`…:7` for one, `…:all` for all."""
    return f"{namespace}:{kwargs.get('meeting_id', 'all')}"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Postgres and Redis, for as long as the application runs."""
    async with pooled(app), aioredis.from_url(os.environ["BENCH_REDIS_URL"]) as redis:
        FastAPICache.init(RedisBackend(redis), prefix="bench", key_builder=by_meeting)
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/versioned/{meeting_id}")
@cache(expire=60)
async def get_meeting(meeting_id: int) -> Any:
    """One."""
    return await read_one(app, meeting_id)


@app.get("/versioned")
@cache(expire=60)
async def get_meetings() -> Any:
    """All."""
    return await read_all(app)


@app.put("/versioned/{meeting_id}/{version}")
async def put_meeting(meeting_id: int, version: int) -> Any:
    """A new version."""
    await write(app, meeting_id, version)
    await FastAPICache.clear(key=f"bench::{meeting_id}")
    await FastAPICache.clear(key="bench::all")
    return {"version": version}
