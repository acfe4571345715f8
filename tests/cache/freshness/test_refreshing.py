"""A load in the background whose tier fails, or whose tag is held, before it begins."""

from collections.abc import AsyncIterator

import pytest

from mina_api.cache.config import CacheConfig
from mina_api.cache.freshness import Freshness
from mina_api.cache.outcome import Outcome
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock, FaultyTier
from tests.cache.freshness.answers import KEY, Source, body, load_and_let_grow_stale
from tests.cache.services import PATIENT, complete_register, until

CONFIG = CacheConfig(**{**PATIENT, "memory_bytes": 1_000_000, "memory_lease_seconds": 30.0})  # type: ignore[arg-type]
POLICY = CachePolicy(100, tags=("t",), freshness=Freshness(stale_while_revalidate=60))


@pytest.fixture
async def tier(valkey_url: str) -> FaultyTier:
    return FaultyTier(RedisTier(valkey_url, CONFIG))


@pytest.fixture
async def cache(valkey_url: str, tier: FaultyTier, clock: FakeClock) -> AsyncIterator[CacheService]:
    started = CacheService(tier, CONFIG, clock=clock)
    await started.start()
    await until(lambda: started.serves_from_memory)
    await complete_register(valkey_url)
    yield started
    await started.close()


class TestRefreshing:
    async def test_gives_up_without_a_word_where_redis_is_lost(
        self, cache: CacheService, tier: FaultyTier, source: Source, clock: FakeClock
    ) -> None:
        await load_and_let_grow_stale(cache, POLICY, source, clock)
        tier.fail("claim", times=1)

        stale = body(await cache.read(Read(KEY, POLICY, source)))
        await until(lambda: tier.calls["claim"] == 2)

        assert stale == (b"1", Outcome.HIT, "l1")
        assert (source.number, cache.get_cache_stats()["errors"]) == (1, 0)

    async def test_loads_nothing_while_a_writer_holds_a_tag(
        self, cache: CacheService, tier: FaultyTier, source: Source, clock: FakeClock
    ) -> None:
        """What it would load could not be stored."""
        await load_and_let_grow_stale(cache, POLICY, source, clock)
        with tier.paused("claim") as gate:
            await cache.read(Read(KEY, POLICY, source))
            await gate.reached.wait()
            hold = await cache.hold(["t"])
        await until(lambda: tier.calls["snapshot"] > 1)
        loaded = source.number
        await hold.lift()

        assert loaded == 1
        assert body(await cache.read(Read(KEY, POLICY, source))) == (b"2", Outcome.MISS, None)
