"""fastapi-cachex on Redis: a key with the verified user in it and `cache_authorized`, as its pages advise."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request
from fastapi_cachex import BackendProxy, build_cache_key, cache
from fastapi_cachex.backends import AsyncRedisCacheBackend

from benchmarks.speed.servers.fastapi_app import Page, User, an_app
from benchmarks.speed.servers.page import loaded_page


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Redis, for as long as the application runs."""
    address = urlsplit(os.environ["BENCH_REDIS_URL"])
    backend = AsyncRedisCacheBackend(
        host=address.hostname or "127.0.0.1", port=address.port or 6379, password=address.password
    )
    BackendProxy.set(backend)
    yield
    BackendProxy.set(None)
    await backend.aclose()


async def remember_user(request: Request, user: User) -> None:
    """Put the user where the key finds them."""
    request.state.user_id = user


def per_user_key(request: Request) -> str:
    """The default key and the verified user."""
    key: str = build_cache_key(request, request.state.user_id)
    return key


app = an_app(lifespan)


@app.get("/page", response_model=Page, dependencies=[Depends(remember_user)])
@cache(ttl=3600, key_builder=per_user_key, cache_authorized=True)
async def get_page(page: int = 1) -> Any:
    """A page."""
    return await loaded_page(page)
