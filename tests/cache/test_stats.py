"""What is counted, under which names, and what is read out of them: groups, histograms, percentiles."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mina_api.cache.keys import endpoint_key, endpoint_of, manual_key
from mina_api.cache.stats import LATENCY_BUCKETS, Counters, groups, histogram, named, percentile
from mina_api.cache.testing import FakeClock

MANUAL = manual_key(namespace="mina", prefix="temp", key="k")
ENDPOINT = endpoint_key(namespace="mina", prefix="analytics", endpoint="api.get", user_id="1")


@pytest.fixture
def counters(clock: FakeClock) -> Counters:
    return Counters(clock)


class TestTotals:
    def test_are_by_prefix_endpoint_tier_and_outcome(self, counters: Counters) -> None:
        counters.hit(MANUAL, "l1")
        counters.hit(ENDPOINT, "l2", times=3)
        counters.loaded(ENDPOINT)
        counters.loaded(ENDPOINT, "stale")
        counters.loaded(MANUAL, bypass=True)
        counters.failed(ENDPOINT)
        counters.count("audit", "match", times=2)

        totals = counters.totals()

        assert {name: totals[name] for name in ("hits", "misses", "bypasses", "errors")} == {
            "hits": 4,
            "misses": 2,
            "bypasses": 1,
            "errors": 1,
        }
        assert groups(totals, "prefix") == {
            "temp": {"hits": 1, "bypasses": 1},
            "analytics": {"hits": 3, "misses": 2, "errors": 1},
        }
        assert groups(totals, "endpoint") == {"api.get": {"hits": 3, "misses": 2, "errors": 1}}
        assert groups(totals, "tier") == {"l1": {"hits": 1}, "l2": {"hits": 3}}
        assert named(totals, "outcome") == {"hit": 4, "miss": 1, "stale": 1, "bypass": 1, "error": 1}
        assert named(totals, "audit") == {"match": 2}

    def test_are_what_a_user_is_told_in_eight_numbers(self, counters: Counters, clock: FakeClock) -> None:
        for _ in range(3):
            counters.hit(MANUAL, "l1")
        counters.loaded(MANUAL)
        counters.loaded(MANUAL, bypass=True)
        clock.advance(7)

        assert counters.snapshot() == {
            "hits": 3,
            "misses": 1,
            "sets": 0,
            "deletes": 0,
            "errors": 0,
            "total_requests": 4,
            "hit_rate": 0.75,
            "uptime_seconds": 7.0,
        }

    def test_of_nothing_are_no_rate(self, counters: Counters) -> None:
        assert counters.snapshot()["hit_rate"] == 0.0


class TestLatency:
    def test_falls_in_the_bucket_whose_bound_it_does_not_exceed(self, counters: Counters) -> None:
        for seconds in (0.0, 0.000_05, 0.000_051, 5.0, 5.1):
            counters.took("hit", seconds)
        counters.took("miss", 0.0, times=64)

        hits = histogram(counters.totals(), "hit")

        assert (hits[0], hits[1], hits[-2], hits[-1]) == (2, 1, 1, 1)
        assert histogram(counters.totals(), "hit", "miss")[0] == 66
        assert sum(histogram(counters.totals(), "nothing")) == 0

    def test_of_nothing_is_none(self) -> None:
        assert percentile([0] * (len(LATENCY_BUCKETS) + 1), 0.5) is None

    def test_is_interpolated_in_its_bucket(self) -> None:
        buckets = [0] * (len(LATENCY_BUCKETS) + 1)
        buckets[4] = 10  # of 0.5 to 1 ms

        assert percentile(buckets, 0.5) == pytest.approx(0.75)
        assert percentile(buckets, 1.0) == pytest.approx(1.0)

    def test_above_the_last_bound_is_said_to_be_that(self) -> None:
        buckets = [0] * len(LATENCY_BUCKETS) + [3]

        assert percentile(buckets, 0.99) == LATENCY_BUCKETS[-1]

    @given(st.lists(st.floats(0, 5), min_size=1, max_size=60), st.floats(0, 1))
    @example([0.0] * 3, 1.0)
    def test_is_within_the_bucket_of_the_true_one(self, seconds: list[float], share: float) -> None:
        counters = Counters(FakeClock())
        for each in seconds:
            counters.took("hit", each)
        ranked = sorted(1000 * each for each in seconds)
        true = ranked[max(0, min(len(ranked), _ceiling(share * len(ranked))) - 1)]

        found = percentile(histogram(counters.totals(), "hit"), share)

        bounds = (0.0, *LATENCY_BUCKETS)
        low, high = next((a, b) for a, b in itertools.pairwise(bounds) if true <= b)
        assert found is not None
        assert low <= found <= high


def _ceiling(number: float) -> int:
    return -int(-number // 1)


class TestEndpointOf:
    @pytest.mark.parametrize(
        ("name", "endpoint"), [(ENDPOINT.name, "api.get"), (MANUAL.name, None), ("mina:a#b", None)]
    )
    def test_is_the_endpoint_of_an_answers_name_and_of_nothing_else(self, name: str, endpoint: str | None) -> None:
        assert endpoint_of(name) == endpoint
