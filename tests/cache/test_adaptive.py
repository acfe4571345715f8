"""TTLs that follow what was seen."""

import math
import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mina_api.cache.adaptive import KEYS, Adaptive, Observations
from mina_api.cache.freshness import Freshness
from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock
from tests.cache.services import a_cache

BOUNDS = Adaptive(minimum=10, maximum=10_000)


def seen(*, loads: int, every: float, changes_each: int | None, uses_each: int = 5) -> Observations:
    """Loads of one key `every` so many seconds, whose body changes with each `changes_each`th."""
    observations, body = Observations(), 0
    for number in range(loads):
        if changes_each is not None and number % changes_each == 0:
            body += 1
        observations.loaded("k", str(body).encode(), number * every)
        for _ in range(uses_each):
            observations.used("k")
    return observations


class TestAdaptive:
    @pytest.mark.parametrize("bounds", [(0, 1, 0.1), (2, 1, 0.1), (1, math.inf, 0.1), (1, 2, 0), (1, 2, 1)])
    def test_refuses_what_means_nothing(self, bounds: tuple[float, float, float]) -> None:
        with pytest.raises(ValueError, match=r"minimum|risk"):
            Adaptive(*bounds)


class TestObservations:
    def test_knows_nothing_of_a_key_at_first_and_keeps_to_the_bounds(self) -> None:
        assert seen(loads=1, every=1, changes_each=1).explain("k", 60, BOUNDS).ttl == 60
        assert Observations().explain("k", 5, BOUNDS).ttl == 10
        assert Observations().explain("k", 50_000, BOUNDS).ttl == 10_000

    def test_keeps_for_long_what_does_not_change(self) -> None:
        found = seen(loads=20, every=100, changes_each=None).explain("k", 60, BOUNDS)

        assert (found.ttl, found.changes_per_hour) == (10_000, 0)
        assert found.uses_per_hour == pytest.approx(180)
        assert "changes so rarely" in found.why

    def test_keeps_for_a_short_time_what_always_changes(self) -> None:
        found = seen(loads=20, every=10, changes_each=1).explain("k", 60, BOUNDS)

        assert found.ttl == 10
        assert "more often" in found.why

    def test_keeps_for_a_short_time_what_nobody_asks_for(self) -> None:
        found = seen(loads=20, every=30_000, changes_each=None, uses_each=0).explain("k", 60, BOUNDS)

        assert found.ttl == 10
        assert "not asked for" in found.why

    def test_gives_the_time_in_which_a_change_has_the_policys_risk(self) -> None:
        chance = random.Random(1)
        observations, body, per_second = Observations(), 0, 1 / 500
        for number in range(4000):
            if chance.random() < 1 - math.exp(-per_second * 100):
                body += 1
            observations.loaded("k", str(body).encode(), number * 100)
            observations.used("k")

        found = observations.explain("k", 60, Adaptive(10, 10_000, risk=0.2))

        assert found.ttl == pytest.approx(-math.log(0.8) / per_second, rel=0.5)
        assert "20%" in found.why

    def test_follows_a_key_that_begins_to_change(self) -> None:
        observations = seen(loads=100, every=100, changes_each=None)
        for number in range(200):
            observations.loaded("k", f"new {number}".encode(), 10_000 + number * 100)
            observations.used("k")

        assert observations.explain("k", 60, BOUNDS).ttl < 60

    def test_remembers_a_bounded_number_of_keys(self) -> None:
        observations = Observations()
        for key in range(KEYS + 1):
            for now in (0, 10):
                observations.loaded(str(key), b"", now)

        assert observations.explain("0", 60, BOUNDS).changes_per_hour is None
        assert observations.explain(str(KEYS), 60, BOUNDS).changes_per_hour == 0

    @given(
        events=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e6), st.integers(0, 9)), max_size=40),
        bounds=st.tuples(st.floats(0.1, 1e6), st.floats(0.1, 1e6)).map(sorted),
    )
    def test_never_leaves_the_bounds(self, events: list[tuple[int, float, int]], bounds: list[float]) -> None:
        observations, adaptive = Observations(), Adaptive(*bounds)
        for body, now, uses in events:
            observations.loaded("k", bytes([body]), now)
            for _ in range(uses):
                observations.used("k")

        assert bounds[0] <= observations.explain("k", 60, adaptive).ttl <= bounds[1]


@pytest.fixture
async def cache(valkey_url: str, clock: FakeClock) -> AsyncIterator[CacheService]:
    async with a_cache(valkey_url, clock=clock) as cache:
        yield cache


class TestExplainTtl:
    POLICY = CachePolicy(60, freshness=Freshness(adaptive=Adaptive(minimum=10, maximum=1000), beta=0))

    async def test_says_why_a_key_has_the_ttl_that_it_has(self, cache: CacheService, clock: FakeClock) -> None:
        async def load() -> int:
            return 1

        for _ in range(20):
            await cache.get_or_load("k", load, self.POLICY)
            await cache.get_or_load("k", load, self.POLICY)
            clock.advance(1001)

        found = cache.explain_ttl("k", self.POLICY)
        assert (found.ttl, found.loads > 5, found.changes) == (1000, True, 0)
        assert cache.explain_ttl("other", self.POLICY).why.startswith("loaded once")
        assert cache.explain_ttl("k", CachePolicy(60)).why == "its policy does not adapt"

    async def test_is_what_entries_get(self, cache: CacheService, clock: FakeClock) -> None:
        number = 0

        async def load() -> int:
            nonlocal number
            number += 1
            return number

        for _ in range(10):
            await cache.get_or_load("k", load, self.POLICY)
            clock.advance(61)
        await cache.get_or_load("k", load, self.POLICY)
        loads = number
        clock.advance(9)
        await cache.get_or_load("k", load, self.POLICY)
        assert number == loads
        clock.advance(2)
        await cache.get_or_load("k", load, self.POLICY)
        assert number == loads + 1
