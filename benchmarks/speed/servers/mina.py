"""Mina's cache in an application that has nothing else of Mina's: `mina_api.cache` and its FastAPI side.

`BENCH_MEMORY_BYTES` is the size of its memory: 0 asks Redis every time.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request

from benchmarks.speed.servers.fastapi_app import Page, User, an_app
from benchmarks.speed.servers.page import page_of
from mina_api.cache.config import CacheConfig
from mina_api.cache.fastapi import CachedRoute, Identity, cache_response, identify
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.service import CacheService


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The cache, for as long as the application runs."""
    # A busy machine is no lost Redis.
    config = CacheConfig(
        memory_bytes=int(os.environ["BENCH_MEMORY_BYTES"]), connect_timeout_seconds=5, command_timeout_seconds=5
    )
    app.state.cache = cache = CacheService(RedisTier(os.environ["BENCH_REDIS_URL"], config), config)
    await cache.start()
    yield
    await cache.close()


async def identified_user(request: Request, user: User) -> int:
    """The user who asks, as the cache is told."""
    identify(request, Identity(str(user), None))
    return user


app = an_app(lifespan)
app.router.route_class = CachedRoute


@app.get("/page", response_model=Page)
@cache_response(ttl=3600, prefix="session", tags=["pages"])
async def get_page(user: Annotated[int, Depends(identified_user)], page: int = 1) -> Any:
    """A page."""
    return page_of(page)
