"""Answers that are loaded anew before their TTL ends."""

import pytest

from mina_api.cache.freshness import Freshness
from mina_api.cache.outcome import Outcome
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock
from tests.cache.freshness.answers import KEY, Chances, Source, body, refreshed


class TestSoftTtl:
    POLICY = CachePolicy(100, tags=("t",), freshness=Freshness(soft_ttl=40, beta=0))

    async def test_serves_what_is_fresh_and_loads_once_in_the_background(
        self, cache: CacheService, source: Source, clock: FakeClock
    ) -> None:
        await cache.read(Read(KEY, self.POLICY, source))
        clock.advance(39)
        young = body(await cache.read(Read(KEY, self.POLICY, source)))
        await refreshed(cache)
        loads = source.number
        clock.advance(1)
        source.gate.clear()
        old = [body(await cache.read(Read(KEY, self.POLICY, source))) for _ in range(5)]
        source.gate.set()
        await refreshed(cache)

        assert (young, loads) == ((b"1", Outcome.HIT, "l2"), 1)
        assert old == [(b"1", Outcome.HIT, "l2")] * 5
        assert body(await cache.read(Read(KEY, self.POLICY, source))) == (b"2", Outcome.HIT, "l2")
        assert source.number == 2

    async def test_of_a_load_that_fails_costs_nothing_before_the_ttl(
        self, cache: CacheService, source: Source, clock: FakeClock
    ) -> None:
        await cache.read(Read(KEY, self.POLICY, source))
        source.failure = OSError("no database")
        clock.advance(99)

        assert body(await cache.read(Read(KEY, self.POLICY, source)))[0] == b"1"
        await refreshed(cache)
        clock.advance(1)
        with pytest.raises(OSError, match="no database"):
            await cache.read(Read(KEY, self.POLICY, source))


class TestEarlyRefresh:
    POLICY = CachePolicy(100, tags=("t",))

    async def test_loads_before_the_end_in_proportion_to_how_long_a_load_takes(
        self, cache: CacheService, source: Source, clock: FakeClock, chances: Chances
    ) -> None:
        source.seconds = 5
        await cache.read(Read(KEY, self.POLICY, source))
        clock.advance(95)

        chances.values = [0.5]
        unlucky = body(await cache.read(Read(KEY, self.POLICY, source)))
        await refreshed(cache)
        before = source.number
        chances.values = [0.7]
        lucky = body(await cache.read(Read(KEY, self.POLICY, source)))
        await refreshed(cache)

        assert (unlucky[0], lucky[0], before, source.number) == (b"1", b"1", 1, 2)
        assert body(await cache.read(Read(KEY, self.POLICY, source))) == (b"2", Outcome.HIT, "l2")
