"""What the tests of cached routes share."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from tests.cache.services import a_cache

Serving = Callable[..., Any]


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
