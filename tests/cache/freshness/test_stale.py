"""Answers past their TTL: who is served one, for how long, and never over a write."""

import logging
from dataclasses import replace

import pytest

from mina_api.cache.freshness import Freshness
from mina_api.cache.outcome import Demand, Outcome
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock
from tests.cache.freshness.answers import KEY, Source, body, load_and_let_grow_stale, refreshed
from tests.cache.services import a_cache


async def begin_to_refresh(cache: CacheService, policy: CachePolicy, source: Source, clock: FakeClock) -> None:
    """Have a stale answer loaded in the background, which does not end before the source's gate is open."""
    await load_and_let_grow_stale(cache, policy, source, clock)
    source.gate.clear()
    source.begun.clear()
    await cache.read(Read(KEY, policy, source))
    await source.begun.wait()


class TestStaleWhileRevalidate:
    POLICY = CachePolicy(100, tags=("t",), freshness=Freshness(stale_while_revalidate=60))

    async def test_serves_at_once_and_loads_once_in_the_background(
        self, cache: CacheService, source: Source, clock: FakeClock
    ) -> None:
        await load_and_let_grow_stale(cache, self.POLICY, source, clock)
        source.gate.clear()

        stale = [body(await cache.read(Read(KEY, self.POLICY, source))) for _ in range(5)]
        source.gate.set()
        await refreshed(cache)

        assert stale == [(b"1", Outcome.HIT, "l2")] * 5
        assert body(await cache.read(Read(KEY, self.POLICY, source))) == (b"2", Outcome.HIT, "l2")
        assert source.number == 2

    async def test_ends(self, cache: CacheService, source: Source, clock: FakeClock) -> None:
        await cache.read(Read(KEY, self.POLICY, source))
        clock.advance(160)

        assert body(await cache.read(Read(KEY, self.POLICY, source)))[0] == b"2"

    async def test_never_serves_over_a_write(self, cache: CacheService, source: Source, clock: FakeClock) -> None:
        await load_and_let_grow_stale(cache, self.POLICY, source, clock)
        await cache.invalidate_tags("t")

        assert body(await cache.read(Read(KEY, self.POLICY, source)))[0] == b"2"

    async def test_keeps_nothing_that_was_loaded_before_a_write(
        self, cache: CacheService, source: Source, clock: FakeClock
    ) -> None:
        await load_and_let_grow_stale(cache, self.POLICY, source, clock)
        source.gate.clear()
        source.begun.clear()
        await cache.read(Read(KEY, self.POLICY, source))
        await source.begun.wait()
        await cache.invalidate_tags("t")
        source.gate.set()
        await refreshed(cache)

        assert body(await cache.read(Read(KEY, self.POLICY, source))) == (b"3", Outcome.MISS, None)

    @pytest.mark.parametrize("demand", [Demand(reload=True), Demand(max_age=1000), Demand(min_fresh=1)])
    async def test_is_not_for_who_asks_for_freshness(
        self, cache: CacheService, source: Source, clock: FakeClock, demand: Demand
    ) -> None:
        await load_and_let_grow_stale(cache, self.POLICY, source, clock)

        assert body(await cache.read(Read(KEY, self.POLICY, source, demand)))[0] == b"2"

    async def test_logs_and_counts_a_load_that_fails(
        self, cache: CacheService, source: Source, clock: FakeClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        await load_and_let_grow_stale(cache, self.POLICY, source, clock)
        source.failure = OSError("no database")

        with caplog.at_level(logging.ERROR):
            served = body(await cache.read(Read(KEY, self.POLICY, source)))
            await refreshed(cache)

        assert served[0] == b"1"
        assert "the background load" in caplog.text
        assert cache.get_cache_stats()["errors"] == 1

    async def test_leaves_the_load_to_one_of_all_processes(
        self, cache: CacheService, valkey_url: str, source: Source, clock: FakeClock
    ) -> None:
        async with a_cache(valkey_url, clock=clock) as other:
            await begin_to_refresh(cache, self.POLICY, source, clock)
            await other.read(Read(KEY, self.POLICY, source))
            await refreshed(other)
            source.gate.set()
            await refreshed(cache)

        assert source.number == 2

    async def test_is_ended_with_the_cache(self, valkey_url: str, source: Source, clock: FakeClock) -> None:
        async with a_cache(valkey_url, clock=clock) as cache:
            await begin_to_refresh(cache, self.POLICY, source, clock)

        assert source.number == 1


class TestStaleIfError:
    POLICY = CachePolicy(100, tags=("t",), freshness=Freshness(stale_if_error=60))

    async def test_serves_the_last_answer_where_a_load_fails(
        self, cache: CacheService, source: Source, clock: FakeClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        await load_and_let_grow_stale(cache, self.POLICY, source, clock)
        source.failure = OSError("no database")

        with caplog.at_level(logging.ERROR):
            served = body(await cache.read(Read(KEY, self.POLICY, source)))

        assert served == (b"1", Outcome.HIT, "stale-if-error")
        assert "no database" in caplog.text

    async def test_ends_at_its_own_limit(self, cache: CacheService, source: Source, clock: FakeClock) -> None:
        policy = replace(self.POLICY, freshness=Freshness(stale_if_error=60, stale_while_revalidate=300, beta=0))
        await cache.read(Read(KEY, policy, source))
        clock.advance(400)
        source.failure = OSError("no database")

        with pytest.raises(OSError, match="no database"):
            await cache.read(Read(KEY, policy, source))

    async def test_never_serves_over_a_write(self, cache: CacheService, source: Source, clock: FakeClock) -> None:
        await load_and_let_grow_stale(cache, self.POLICY, source, clock)
        await cache.invalidate_tags("t")
        source.failure = OSError("no database")

        with pytest.raises(OSError, match="no database"):
            await cache.read(Read(KEY, self.POLICY, source))

    async def test_is_for_failures_not_for_answers(self, cache: CacheService, source: Source, clock: FakeClock) -> None:
        async def is_failure(failure: Exception) -> bool:
            return not isinstance(failure, LookupError)

        await load_and_let_grow_stale(cache, self.POLICY, source, clock)
        source.failure = LookupError("gone")

        with pytest.raises(LookupError):
            await cache.read(Read(KEY, self.POLICY, source, is_failure=is_failure))


class TestMaxStale:
    @pytest.mark.parametrize(("max_stale", "found"), [(5, b"2"), (20, b"1"), (1e9, b"1")])
    async def test_is_a_request_that_takes_older_answers(
        self, cache: CacheService, source: Source, clock: FakeClock, max_stale: float, found: bytes
    ) -> None:
        policy = CachePolicy(100, tags=("t",), freshness=Freshness(stale_if_error=60))
        await load_and_let_grow_stale(cache, policy, source, clock)

        assert body(await cache.read(Read(KEY, policy, source, Demand(max_stale=max_stale))))[0] == found
