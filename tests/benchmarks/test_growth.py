"""What `benchmarks.growth` measures by: its caches are full of entries that are hits, and its sums are right."""

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from benchmarks.growth.bounds import all_hold, bounds
from benchmarks.growth.curves import Curve, Point, by_turns
from benchmarks.growth.engine import MEMORY, REDIS
from benchmarks.growth.entries import a_body, in_memory, in_redis
from benchmarks.growth.report import as_json, markdown
from benchmarks.growth.workers import Throughput
from mina_api.dev.valkey import PrivateValkey


def a_curve(title: str, *medians: float) -> Curve:
    """Both tiers at 10, 100, …, with samples around the medians."""
    points = [Point(10.0**power, (each / 2, each, each * 2)) for power, each in enumerate(medians, start=1)]
    return Curve(title, "entries", "µs", {MEMORY: points, REDIS: points})


class TestFilled:
    @pytest.mark.parametrize("size", [20, 5000])
    async def test_memory_gives_nothing_but_hits(self, size: int) -> None:
        async with in_memory(50, a_body(size)) as filled:
            taken = await filled.hit_us(100, seed=1)

            assert len(filled.cache.memory) == 50
            assert filled.cache.get_cache_stats()["hits"] == 100
            assert taken > 0

    @pytest.mark.parametrize("tags", [(), ("one", "two")])
    async def test_redis_gives_nothing_but_hits_until_a_tag_is_cleared(
        self, private_valkey: PrivateValkey, tags: Sequence[str]
    ) -> None:
        async with in_redis(private_valkey.url, 50, a_body(1000), tags) as filled:
            await filled.hit_us(100, seed=1)
            assert filled.cache.get_cache_stats()["hits"] == 100
            assert filled.bytes_each > 500

            await filled.cache.invalidate_tags("one")

            if tags:
                with pytest.raises(AssertionError):
                    await filled.hit_us(1, seed=1)

    def test_bodies_are_as_long_as_they_are_asked_for(self) -> None:
        assert [len(a_body(size)) for size in (20, 1000, 64_000)] == [20, 1000, 64_000]


class TestCurve:
    async def test_is_measured_by_turns(self) -> None:
        order: list[tuple[int, int]] = []

        async def measure(size: int, number: int) -> float:
            await asyncio.sleep(0)
            order.append((number, size))
            return float(size + number)

        points = await by_turns({size: partial(measure, size) for size in (1, 5)}, 3)

        assert order == [(0, 1), (0, 5), (1, 1), (1, 5), (2, 1), (2, 5)]
        assert [(point.x, point.median) for point in points] == [(1, 2.0), (5, 6.0)]

    def test_compares_its_ends(self) -> None:
        assert a_curve("hits", 10, 15, 30).ratio(MEMORY) == 3

    def test_of_workers_has_each_round(self) -> None:
        found = Throughput()
        for rate in (100.0, 300.0, 200.0):
            found.add(MEMORY, 2, rate)

        assert found.curve().series == {MEMORY: [Point(2, (100.0, 300.0, 200.0))]}


class TestReport:
    def test_says_what_grows_and_what_must_not(self) -> None:
        hits, cleared, tags = a_curve("hits", 10, 11), a_curve("cleared", 10, 40), a_curve("tags", 10, 12)
        claims = list(bounds(hits, cleared, tags))

        page = markdown([hits, cleared, tags], claims, "make bench-growth", 3)

        assert not all_hold(claims)
        assert "| **no** | cleared, Redis (L2): 100 to 10 | 4.00 | ≤ 1.50 |" in page
        assert "| 100 | 11.0 | 5.5–22.0 | 11.0 | 5.5–22.0 |" in page
        assert '"least": 5.0, "most": 20' in as_json([hits])
