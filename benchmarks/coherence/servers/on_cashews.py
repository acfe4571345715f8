"""cashews on Redis: what a write changes is deleted by key after it; `BENCH_CLIENT_SIDE=1` keeps it in memory too."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cashews import cache
from fastapi import FastAPI

from benchmarks.coherence.servers.rows import pooled, read_all, read_one, write

cache.setup(os.environ["BENCH_REDIS_URL"], client_side=os.environ["BENCH_CLIENT_SIDE"] == "1")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Postgres and Redis, for as long as the application runs."""
    async with pooled(app):
        await cache.init()
        yield
        await cache.close()


app = FastAPI(lifespan=lifespan)


@app.get("/versioned/{meeting_id}")
@cache(ttl="1m", key="meeting:{meeting_id}")
async def get_meeting(meeting_id: int) -> Any:
    """One."""
    return await read_one(app, meeting_id)


@app.get("/versioned")
@cache(ttl="1m", key="meetings")
async def get_meetings() -> Any:
    """All."""
    return await read_all(app)


@app.put("/versioned/{meeting_id}/{version}")
async def put_meeting(meeting_id: int, version: int) -> Any:
    """A new version."""
    await write(app, meeting_id, version)
    await cache.delete(f"meeting:{meeting_id}")
    await cache.delete("meetings")
    return {"version": version}
