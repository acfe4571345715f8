"""Caches under test: each `a_cache` is what one process would have."""

import asyncio
import inspect
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from mina_api.cache.clock import Clock
from mina_api.cache.config import CacheConfig
from mina_api.cache.freshness import Chance
from mina_api.cache.invalidation import Journal
from mina_api.cache.redis_tier import OnReturn, RedisTier, TlsFiles
from mina_api.cache.sealing import Sealer
from mina_api.cache.serializers import JSON, Serializer
from mina_api.cache.service import CacheService
from mina_api.cache.source import Source
from mina_api.cache.testing import FaultyTier

REGISTER = "mina:{tags}:register"
# A busy test machine is no lost Redis; tests that lose one say how soon it is given up.
# A register that a test begins with makes its first write wait for a lease's length. What is in memory is not asked
# for by most tests: they are about Redis.
PATIENT = {
    "command_timeout_seconds": 5.0,
    "connect_timeout_seconds": 5.0,
    "memory_bytes": 0,
    "memory_lease_seconds": 0.1,
}


async def nothing_to_drain(_: object, __: object) -> None:
    return


@asynccontextmanager
async def a_cache(
    url: str,
    *,
    clock: Clock | None = None,
    journal: Journal | None = None,
    on_return: OnReturn = nothing_to_drain,
    chance: Chance = random.random,
    serializer: Serializer = JSON,
    sealer: Sealer | None = None,
    tls: TlsFiles | None = None,
    **config: Any,
) -> AsyncIterator[CacheService]:
    """A started cache on the Valkey at `url`."""
    chosen = CacheConfig(**{**PATIENT, "probe_seconds": 0.01, "probe_max_seconds": 0.05, **config})
    tier = RedisTier(url, chosen, on_return, tls=tls)
    cache = CacheService(
        tier, chosen, clock=clock, journal=journal, serializer=serializer, sealer=sealer, chance=chance
    )
    await cache.start()
    try:
        yield cache
    finally:
        await cache.close()


async def complete_register(url: str) -> None:
    """Say that there are no leases but those in the register: else a first write waits for a lease's length."""
    async with Redis.from_url(url) as client:
        await until(lambda: client.hexists(REGISTER, "reign"))
        await client.hset(REGISTER, "since", 0)


@asynccontextmanager
async def a_faulty_cache(
    url: str, *, source: Source | None = None, clock: Clock | None = None, **config: Any
) -> AsyncIterator[tuple[CacheService, FaultyTier]]:
    """A started cache on the Valkey at `url`, and the tier before it that fails when it is told to."""
    chosen = CacheConfig(**{**PATIENT, **config})
    tier = FaultyTier(RedisTier(url, chosen))
    cache = CacheService(tier, chosen, clock=clock, source=source)
    await cache.start()
    try:
        yield cache, tier
    finally:
        await cache.close()


async def until(condition: Callable[[], object]) -> None:
    """Returns once `condition`, which may be a coroutine's, holds of something that tells nobody when it does."""
    async with asyncio.timeout(60):
        while True:
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.002)


async def available(cache: CacheService) -> None:
    """Returns once `cache` reaches its tier again."""
    async with asyncio.timeout(10):
        while not cache.is_available:  # noqa: ASYNC110  (what it waits for is another process)
            await asyncio.sleep(0.005)
