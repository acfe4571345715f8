"""Mina's cache in an application that has nothing else of Mina's: the cache, its FastAPI side, its shortcuts.

`BENCH_MEMORY_BYTES` is the size of its memory: 0 asks Redis every time.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request

from benchmarks.speed.servers.fastapi_app import Page, an_app
from benchmarks.speed.servers.page import Unauthorized, page_of, verified
from mina_api.cache.config import CacheConfig
from mina_api.cache.fastapi import (
    CachedRoute,
    Identity,
    Recollection,
    Shortcuts,
    Voucher,
    cache_of,
    cache_response,
    identify,
)
from mina_api.cache.policy import CachePolicy
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.service import CacheService
from mina_api.cache.tags import user_tag
from mina_api.web.application import Application

SHORTCUT_BYTES = 32 * 1024 * 1024


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The cache, for as long as the application runs."""
    # A busy machine is no lost Redis.
    config = CacheConfig(
        memory_bytes=int(os.environ["BENCH_MEMORY_BYTES"]), connect_timeout_seconds=5, command_timeout_seconds=5
    )
    app.state.cache = cache = CacheService(RedisTier(os.environ["BENCH_REDIS_URL"], config), config)
    app.state.shortcuts = Shortcuts(cache, SHORTCUT_BYTES)
    app.state.users = Recollection(cache)
    await cache.start()
    yield
    await cache.close()


async def identified_user(request: Request) -> int:
    """The user who asks, as the cache is told: by a token that is verified, and an account that is still there."""
    authorization = request.headers.get("authorization", "")
    users: Recollection[int] = request.app.state.users
    if (recalled := users.recall(authorization)) is not None:
        identity, user = recalled
        identify(request, identity)
        return user
    try:
        user, until = verified(authorization)
    except Unauthorized:
        raise HTTPException(401) from None

    async def account() -> dict[str, Any]:
        return {"id": user}

    policy = CachePolicy(ttl=3600, prefix="session", tags=(user_tag(user),))
    seen = await cache_of(request).get_or_load_seen(f"account:{user}", account, policy)
    voucher = Voucher(seen.name, seen.entry, until)
    identity = Identity(str(user), None, seen=seen.vintage, voucher=voucher)
    users.remember(authorization, identity, user)
    identify(request, identity)
    return user


app = an_app(lifespan, Application)
app.router.route_class = CachedRoute


@app.get("/page", response_model=Page)
@cache_response(ttl=3600, prefix="session", tags=["pages"])
async def get_page(user: Annotated[int, Depends(identified_user)], page: int = 1) -> Any:
    """A page."""
    return page_of(page)
