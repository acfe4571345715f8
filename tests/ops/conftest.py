"""What the tests of operations share: who operates, and several workers over one Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.settings import Settings
from tests.api import OPS_TOKEN, a_client, running

Started = Callable[[], Awaitable[FastAPI]]
DEADLINE_SECONDS = 60


@pytest.fixture
async def ops(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the ops token."""
    async with a_client(app, OPS_TOKEN) as client:
        yield client


@pytest.fixture
async def worker(settings: Settings, clock: FakeClock) -> AsyncIterator[Started]:
    """Starts another worker over the same servers."""
    async with AsyncExitStack() as stack:

        async def start() -> FastAPI:
            return await stack.enter_async_context(running(create_app(settings, clock=clock)))

        yield start


async def until(ask: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]) -> Any:
    """What `ask` answers once it is as it should be; raises AssertionError where that takes too long."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not holds(found := await ask()):  # noqa: ASYNC110  (what it waits for is another process)
                await asyncio.sleep(0.05)
            return found
    except TimeoutError:
        raise AssertionError("it never came to that") from None
