import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mina_api.cache.entry import Entry
from mina_api.cache.freshness import Freshness
from mina_api.cache.keys import CacheKey, manual_key
from mina_api.cache.outcome import Demand, Loaded, Outcome, Served
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock
from tests.cache.services import a_cache

ENTRY = Entry(
    key="k",
    body=b"",
    status=200,
    headers=(),
    created=0.0,
    fresh_until=100.0,
    stale_until=160.0,
    load_seconds=2.0,
    epoch=b"e",
    tags=(),
    tokens=(),
    compressed=False,
    size=0,
)


class TestFreshness:
    @pytest.mark.parametrize(
        "values",
        [
            {"jitter": 1},
            {"jitter": -0.1},
            {"beta": -1},
            {"stale_if_error": -1},
            {"negative_ttl": 0},
            {"soft_ttl": 0},
            {"soft_ttl": -1},
            {"stale_while_revalidate": float("inf")},
            {"beta": float("nan")},
        ],
    )
    def test_refuses_what_means_nothing(self, values: dict[str, Any]) -> None:
        with pytest.raises(
            ValueError, match=r"jitter|beta|stale_if_error|negative_ttl|soft_ttl|stale_while_revalidate"
        ):
            Freshness(**values)

    @given(chance=st.floats(0, 1, exclude_max=True), jitter=st.floats(0, 0.9))
    def test_shortens_a_ttl_by_at_most_its_jitter(self, chance: float, jitter: float) -> None:
        found = Freshness(jitter=jitter).ttl_of(100, 200, lambda: chance)

        assert 100 * (1 - jitter) - 1e-9 <= found <= 100

    def test_gives_a_404_a_ttl_of_its_own(self) -> None:
        freshness = Freshness(negative_ttl=5)

        assert (freshness.ttl_of(100, 404, lambda: 0.5), freshness.ttl_of(100, 200, lambda: 0.5)) == (5, 100)

    def test_is_due_as_xfetch_says(self) -> None:
        """P(due at a time t before the end) is exp(−t / (β·Δ)): half at t = β·Δ·ln 2."""
        half_life = 2.0 * 0.6931471805599453

        assert Freshness().is_due(ENTRY, 100 - half_life, lambda: 0.5000001)
        assert not Freshness().is_due(ENTRY, 100 - half_life, lambda: 0.4999999)
        assert Freshness(beta=2).is_due(ENTRY, 100 - 2 * half_life, lambda: 0.5000001)
        assert not Freshness(beta=0).is_due(ENTRY, 99.9, lambda: 0.999)
        assert not Freshness().is_due(replace(ENTRY, load_seconds=0.0), 99.9, lambda: 0.999)


class Source:
    """A loader whose answer, length and failure a test sets; each load waits for `gate`."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.number = 0
        self.seconds = 0.0
        self.failure: Exception | None = None
        self.status = 200
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()

    async def __call__(self) -> Loaded:
        self.begun.set()
        await self.gate.wait()
        self._clock.advance(self.seconds)
        if self.failure is not None:
            raise self.failure
        self.number += 1
        return Loaded(str(self.number).encode(), self.status)


class Chances:
    """Numbers of [0, 1) to come, the last of them for ever."""

    def __init__(self, *values: float) -> None:
        self.values = list(values)

    def __call__(self) -> float:
        return self.values.pop(0) if len(self.values) > 1 else self.values[0]


KEY: CacheKey = manual_key(namespace="mina", prefix="temp", key="freshness")


@pytest.fixture
def chances() -> Chances:
    return Chances(0.0)


@pytest.fixture
async def cache(valkey_url: str, clock: FakeClock, chances: Chances) -> AsyncIterator[CacheService]:
    async with a_cache(valkey_url, clock=clock, chance=chances) as cache:
        yield cache


@pytest.fixture
def source(clock: FakeClock) -> Iterator[Source]:
    source = Source(clock)
    yield source
    source.gate.set()


async def refreshed(cache: CacheService) -> None:
    """Returns once nothing is loaded in the background."""
    async with asyncio.timeout(10):
        while cache.loads_in_flight:  # noqa: ASYNC110  (it ends by itself, and nothing is told)
            await asyncio.sleep(0.001)


async def load_and_let_grow_stale(cache: CacheService, policy: CachePolicy, source: Source, clock: FakeClock) -> None:
    """The answer is loaded, and ten seconds past its TTL of a hundred."""
    await cache.read(Read(KEY, policy, source))
    clock.advance(110)


def body(served: Served) -> tuple[bytes, Outcome, str | None]:
    assert served.entry is not None
    return served.entry.body, served.outcome, served.detail


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
            await load_and_let_grow_stale(cache, self.POLICY, source, clock)
            source.gate.clear()
            source.begun.clear()
            await cache.read(Read(KEY, self.POLICY, source))
            await source.begun.wait()
            await other.read(Read(KEY, self.POLICY, source))
            await refreshed(other)
            source.gate.set()
            await refreshed(cache)

        assert source.number == 2

    async def test_is_ended_with_the_cache(self, valkey_url: str, source: Source, clock: FakeClock) -> None:
        async with a_cache(valkey_url, clock=clock) as cache:
            await load_and_let_grow_stale(cache, self.POLICY, source, clock)
            source.gate.clear()
            source.begun.clear()
            await cache.read(Read(KEY, self.POLICY, source))
            await source.begun.wait()

        assert source.number == 1


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


class TestMaxStale:
    @pytest.mark.parametrize(("max_stale", "found"), [(5, b"2"), (20, b"1"), (1e9, b"1")])
    async def test_is_a_request_that_takes_older_answers(
        self, cache: CacheService, source: Source, clock: FakeClock, max_stale: float, found: bytes
    ) -> None:
        policy = CachePolicy(100, tags=("t",), freshness=Freshness(stale_if_error=60))
        await load_and_let_grow_stale(cache, policy, source, clock)

        assert body(await cache.read(Read(KEY, policy, source, Demand(max_stale=max_stale))))[0] == found
