"""What a policy says of freshness: which values mean something, TTLs, and when a refresh is due."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mina_api.cache.entry import Entry
from mina_api.cache.freshness import Freshness

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
        assert not Freshness().is_due(ENTRY._replace(load_seconds=0.0), 99.9, lambda: 0.999)
