import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from mina_api.cache.config import CacheConfig
from mina_api.cache.policy import CachePolicy
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FaultyTier, assert_never_stale
from tests.cache.services import PATIENT, a_cache, complete_register, nothing_to_drain

POLICY = CachePolicy(60)


async def one() -> int:
    return 1


@pytest.fixture
def tier(valkey_url: str) -> FaultyTier:
    return FaultyTier(
        RedisTier(valkey_url, CacheConfig(**PATIENT), nothing_to_drain)  # type: ignore[arg-type]
    )


@pytest.fixture
async def cache(tier: FaultyTier) -> AsyncIterator[CacheService]:
    cache = CacheService(tier, CacheConfig(**PATIENT))  # type: ignore[arg-type]
    await cache.start()
    yield cache
    await cache.close()


class TestFaultyTier:
    async def test_passes_everything_on_until_it_is_told_to_fail(self, cache: CacheService, tier: FaultyTier) -> None:
        await cache.get_or_load("k", one, POLICY)
        assert await cache.set("j", 2) and await cache.delete("j")
        tier.fail("claim", times=1)

        found = [await cache.get_or_load("k", one, POLICY) for _ in range(2)]

        assert found == [1, 1]
        assert cache.get_cache_stats()["hits"] == 1
        assert tier.calls["claim"] == 3
        assert (await cache.health()).available

    async def test_loses_a_reply_after_the_deed(self, cache: CacheService, tier: FaultyTier) -> None:
        tier.lose_reply("store")
        await cache.get_or_load("k", one, POLICY)
        tier.heal()

        await cache.get_or_load("k", one, POLICY)

        assert cache.get_cache_stats()["hits"] == 1

    async def test_holds_calls_at_a_gate(self, cache: CacheService, tier: FaultyTier) -> None:

        with tier.paused("claim") as gate:
            reading = asyncio.create_task(cache.get_or_load("k", one, POLICY))
            await gate.reached.wait()
            assert not reading.done()

        assert await reading == 1


class TestAssertNeverStale:
    @pytest.mark.parametrize("seed", range(3))
    async def test_finds_nothing_in_two_processes_over_one_tier(self, valkey_url: str, seed: int) -> None:
        async with a_cache(valkey_url) as first, a_cache(valkey_url) as second:
            await assert_never_stale([first, second], seed=seed)

    async def test_expects_nothing_of_a_write_that_was_not_acknowledged(
        self, cache: CacheService, tier: FaultyTier, valkey_url: str
    ) -> None:
        await complete_register(valkey_url)
        tier.fail("lift")

        await assert_never_stale([cache], rounds=20)

        assert tier.calls["lift"] == 40

    async def test_finds_what_a_tier_without_invalidation_serves(self, valkey_url: str) -> None:
        class Forgetful(FaultyTier):
            async def hold(self, tags: Sequence[str], owner: str, seconds: float) -> None:
                await self.snapshot(tags)  # as long as a hold takes, so that reads come between

            async def lift(self, tags: Sequence[str], owners: Sequence[str]) -> None:
                await self.snapshot(tags)

        cache = CacheService(
            Forgetful(
                RedisTier(valkey_url, CacheConfig(**PATIENT), nothing_to_drain)  # type: ignore[arg-type]
            )
        )
        await cache.start()
        try:
            with pytest.raises(ExceptionGroup) as found:
                await assert_never_stale([cache])
        finally:
            await cache.close()

        assert found.group_contains(AssertionError, match="was acknowledged")
