"""fastapi-cache2 on Redis, as its quick start shows; its default key holds every argument, the user among them."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi_cache import FastAPICache
from fastapi_cache.backends.redis import RedisBackend
from fastapi_cache.decorator import cache
from redis import asyncio as aioredis

from benchmarks.speed.servers.fastapi_app import Page, User, an_app
from benchmarks.speed.servers.page import loaded_page


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Redis, for as long as the application runs."""
    async with aioredis.from_url(os.environ["BENCH_REDIS_URL"]) as redis:
        FastAPICache.init(RedisBackend(redis), prefix="fastapi-cache")
        yield


app = an_app(lifespan)


@app.get("/page", response_model=Page)
@cache(expire=3600)
async def get_page(user: User, page: int = 1) -> Any:
    """A page."""
    return await loaded_page(page)
