"""What the tests of the cache share: a cache, one that serves from memory, routes that are cached."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from redis.asyncio import Redis

from mina_api.cache.service import CacheService
from tests.cache.origin import Origin
from tests.cache.services import a_cache, complete_register, until

Serving = Callable[..., Any]


@pytest.fixture
async def cache(valkey_url: str) -> AsyncIterator[CacheService]:
    """A cache whose writes wait for nobody."""
    async with a_cache(valkey_url) as started:
        await complete_register(valkey_url)
        yield started


@pytest.fixture
async def other(valkey_url: str) -> AsyncIterator[CacheService]:
    """Another process's cache."""
    async with a_cache(valkey_url) as started:
        yield started


@pytest.fixture
async def client(valkey_url: str) -> AsyncIterator[Redis]:
    """What looks into the Valkey, and changes what is there."""
    async with Redis.from_url(valkey_url) as client:
        yield client


@pytest.fixture
def origin() -> Origin:
    """What a load reads."""
    return Origin()


@pytest.fixture
async def in_memory(valkey_url: str) -> AsyncIterator[CacheService]:
    """A cache that serves from memory."""
    async with a_cache(valkey_url, memory_bytes=1_000_000, memory_lease_seconds=30.0) as started:
        await until(lambda: started.serves_from_memory)
        await complete_register(valkey_url)
        yield started


@pytest.fixture
def serving(valkey_url: str) -> Serving:
    """Serves a router over a cache with these options: `async with serving(router) as client`."""

    @asynccontextmanager
    async def serve(
        router: APIRouter, url: str = valkey_url, middleware: Any = None, **options: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        app = FastAPI()
        if middleware is not None:
            app.add_middleware(middleware)
        app.include_router(router)
        async with a_cache(url, **options) as cache:
            app.state.cache = cache
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                yield client

    return serve
