"""What the tests of hostile content share: an application that asks Redis each time, and a hand in Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from tests.api import OPS_TOKEN, a_client, a_meeting, a_settings, register, running


@dataclass
class Stage:
    """An application, its two users, and what is in its Redis to be changed."""

    app: FastAPI
    ada: httpx.AsyncClient
    bob: httpx.AsyncClient
    ops: httpx.AsyncClient
    redis: Redis

    async def key(self, part: str) -> str:
        """The only entry whose key has `part`."""
        (found,) = [key async for key in self.redis.scan_iter(f"*{part}*")]
        return str(found.decode())

    async def stored(self, key: str) -> bytes:
        """What is under a key."""
        found = await self.redis.get(key)
        assert isinstance(found, bytes)
        return found

    @property
    def day(self) -> int:
        """Today, as what is used is counted by."""
        return int(self.app.state.clock.now() // 86_400)

    @property
    def errors(self) -> int:
        """What was counted as an error of the cache."""
        return int(self.app.state.cache.get_cache_stats()["errors"])


class Staging:
    """Puts applications on the stage: `async with staging(serializer="pickle", …) as stage`."""

    def __init__(self, database_url: str, valkey_url: str) -> None:
        self._database_url = database_url
        self._valkey_url = valkey_url

    @asynccontextmanager
    async def __call__(self, **cache: Any) -> AsyncIterator[Stage]:
        options = {"memory_bytes": 0, **cache}
        settings = a_settings(self._database_url, self._valkey_url, **options)
        async with (
            running(create_app(settings, clock=FakeClock())) as app,
            Redis.from_url(self._valkey_url) as redis,
            await register(app, "ada@example.com") as ada,
            await register(app, "bob@example.com") as bob,
            a_client(app, OPS_TOKEN) as ops,
        ):
            for client, title in ((ada, "Ada's plan"), (bob, "Bob's plan")):
                for number in range(5):
                    await a_meeting(client, title=f"{title} {number}", description="what is planned " * 20)
            yield Stage(app, ada, bob, ops, redis)


@pytest.fixture
def staging(database_url: str, valkey_url: str) -> Staging:
    return Staging(database_url, valkey_url)


@pytest.fixture
async def stage(staging: Staging) -> AsyncIterator[Stage]:
    async with staging() as set_up:
        yield set_up
