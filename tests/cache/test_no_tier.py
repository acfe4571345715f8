"""A program without Redis: the cache keeps nothing, and the answers are the same."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mina_api.cache.config import CacheConfig
from mina_api.cache.invalidation import CacheUnavailable
from mina_api.cache.memory import Memory
from mina_api.cache.no_tier import NoTier
from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from mina_api.cache.tier import TierUnavailable
from tests.cache.services import until

POLICY = CachePolicy(60)


@pytest.fixture
async def cache() -> AsyncIterator[CacheService]:
    cache = CacheService(NoTier(), CacheConfig())
    await cache.start()
    yield cache
    await cache.close()


class TestNoTier:
    async def test_refuses_everything(self) -> None:
        tier = NoTier()
        await tier.start(Memory(0, lambda: 0.0))
        calls = [
            tier.memory(),
            tier.fetch("k", ["t"]),
            tier.fetch_all(["k", "j"], ["t"]),
            tier.snapshot(["t"]),
            tier.store("k", b"", 60),
            tier.delete(["k"]),
            tier.forget(["k"]),
            tier.hold(["t"], "owner", 60),
            tier.lift(["t"], ["owner"]),
            tier.record_uses(0, {}, 1),
            tier.most_used(0, 1),
            tier.claim("k", (), "owner", 60),
            tier.renew("k", "owner", 60),
            tier.release("k", "owner"),
        ]

        found = await asyncio.gather(*calls, return_exceptions=True)

        assert [type(each) for each in found] == [TierUnavailable] * len(calls)
        with tier.watch("k") as event:
            assert not event.is_set()
        await tier.close()


class TestService:
    async def test_loads_for_all_who_asked_before_the_load_began(self, cache: CacheService) -> None:
        loads, go = 0, asyncio.Event()

        async def load() -> int:
            nonlocal loads
            loads += 1
            number = loads
            await go.wait()
            return number

        first = asyncio.create_task(cache.get_or_load("k", load, POLICY))
        await until(lambda: loads)
        later = [asyncio.create_task(cache.get_or_load("k", load, POLICY)) for _ in range(100)]
        await asyncio.sleep(0)
        go.set()

        assert (await first, set(await asyncio.gather(*later))) == (1, {2})
        assert await cache.get_or_load("k", load, POLICY) == 3

    async def test_keeps_nothing_and_says_so(self, cache: CacheService) -> None:
        assert not await cache.set("k", 1)
        assert not await cache.delete("k")
        assert await cache.get("k", default="none") == "none"
        health = await cache.health()
        assert (health.status, health.available, health.latency_ms, cache.is_available) == (
            "unavailable",
            False,
            None,
            False,
        )

    async def test_cannot_invalidate_without_anywhere_to_note_it(self, cache: CacheService) -> None:
        with pytest.raises(CacheUnavailable, match="meeting:1"):
            await cache.invalidate_tags("meeting:1")
