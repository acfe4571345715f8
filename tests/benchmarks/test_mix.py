"""What `benchmarks.mix` asks for and how it counts: its plan repeats, its ideal cache forgets what a write changed."""

import itertools
import random
import time
from collections import Counter

import pytest

from benchmarks.mix.bounds import bounds
from benchmarks.mix.database import DatabaseWork
from benchmarks.mix.ideal import IdealCache, ideal_hits
from benchmarks.mix.load import TIMER_SECONDS, Run, Taken, when_due
from benchmarks.mix.measuring import Mix, percentile
from benchmarks.mix.plan import Ask, Plan, Zipf
from benchmarks.mix.report import markdown
from benchmarks.mix.sessions import (
    CHANGE,
    CREATE,
    DASHBOARD,
    IMPORT,
    LIST,
    MEETING,
    MEMBERS,
    OVERVIEW,
    TASK,
    WRITES,
    looks_per_page,
    refresh_seconds,
)

MEETINGS = range(1000, 0, -1)


def first(count: int, *, reads_per_write: float = 50, seed: int = 1) -> list[Ask]:
    """The first requests of a plan."""
    return list(itertools.islice(Plan(MEETINGS, reads_per_write, seed), count))


def a_read(what: str = DASHBOARD, member: int = 1, meeting: int | None = None) -> Ask:
    """A member's look at one thing."""
    return Ask(what, member, "GET", f"/{what}/{meeting}", meeting=meeting)


def a_write(what: str, meeting: int | None = None) -> Ask:
    """Somebody's change."""
    return Ask(what, 2, "POST", "/", b"{}", meeting)


def a_side(seconds: float, queries: int, *, hits: int = 0, hit_seconds: float = 0.001) -> Run:
    """Ten requests to each endpoint, so many of them hits."""

    def taken() -> Taken:
        return Taken([hit_seconds] * hits, [seconds] * (10 - hits), queries)

    return Run({name: taken() for name in (DASHBOARD, OVERVIEW, LIST, MEETING)}, seconds=1.0, sent=40)


def a_mix() -> Mix:
    """100 ms and 5 queries a request without the cache; 9 hits of 10 with it."""
    mix = Mix(100)
    mix.without.add(a_side(0.1, 50), DatabaseWork(4.0, 400, 4000, 40_000))
    mix.cached.add(a_side(0.1, 5, hits=9), DatabaseWork(0.4, 40, 400, 4000))
    mix.ideal = ideal_hits([a_read(name) for name in (DASHBOARD, OVERVIEW, LIST, MEETING)])
    return mix


class TestSessions:
    def test_432_reads_come_to_a_write_where_open_pages_ask_anew_every_10_seconds(self) -> None:
        assert refresh_seconds(432) == pytest.approx(10)
        assert looks_per_page(432) == pytest.approx(54)

    def test_a_page_is_looked_at_once_at_least(self) -> None:
        assert looks_per_page(0.01) == 1


class TestZipf:
    def test_draws_the_first_most_often(self) -> None:
        chance, zipf = random.Random(1), Zipf(10, 1.0)

        drawn = Counter(zipf.draw(chance) for _ in range(10_000))

        assert drawn[0] / drawn[1] == pytest.approx(2, rel=0.2)
        assert drawn[0] / drawn[9] == pytest.approx(10, rel=0.3)


class TestWhenDue:
    async def test_is_when_it_was_meant_to_be_where_everybody_was_busy(self) -> None:
        past = time.monotonic() - 5

        assert await when_due(past) == past

    async def test_leaves_out_what_a_timer_is_late_by_and_no_more(self) -> None:
        at = time.monotonic() + 0.003

        assert at <= await when_due(at) <= at + TIMER_SECONDS


class TestPlan:
    def test_is_the_same_for_the_same_seed(self) -> None:
        assert first(500) == first(500)
        assert first(500) != first(500, seed=2)

    def test_has_as_many_reads_of_each_write_as_it_is_told(self) -> None:
        asks = first(20_000)

        writes = Counter(ask.what for ask in asks if ask.is_write)

        assert len(asks) / writes.total() == pytest.approx(51, rel=0.15)
        assert set(writes) == set(WRITES)
        assert {ask.member for ask in asks} == set(range(MEMBERS))


class TestIdealCache:
    def test_answers_a_member_what_it_answered_them_before(self) -> None:
        cache = IdealCache()

        found = [cache.take(each) for each in (a_read(), a_read(), a_read(member=3))]

        assert found == [False, True, False]

    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            (a_write(CREATE), []),
            (a_write(CHANGE, 7), [8]),
            (a_write(IMPORT, 7), [8]),
            (a_write(TASK, 7), [8, LIST]),
        ],
        ids=lambda value: getattr(value, "what", None),
    )
    def test_forgets_what_a_write_may_have_changed(self, written: Ask, kept: list[int | str]) -> None:
        cache = IdealCache()
        reads: dict[int | str, Ask] = {
            **{meeting: a_read(MEETING, meeting=meeting) for meeting in (7, 8)},
            **{name: a_read(name) for name in (LIST, DASHBOARD)},
        }
        for each in reads.values():
            cache.take(each)

        cache.take(written)

        assert [name for name, each in reads.items() if cache.take(each)] == kept

    def test_does_not_count_what_only_warms_it(self) -> None:
        found = ideal_hits([a_read(), a_write(TASK, 7), a_read(), a_read()], after=1)

        assert (found[DASHBOARD].hits, found[DASHBOARD].requests, found[DASHBOARD].rate) == (1, 2, 0.5)


class TestMix:
    def test_compares_means_medians_and_hits(self) -> None:
        mix = a_mix()

        assert mix.hit_rate(LIST) == 0.9
        assert mix.speed_up(LIST) == pytest.approx(0.1 / 0.0109)
        assert mix.speed_up_of_median(LIST) == pytest.approx(100)
        assert mix.speed_up_of_hits(LIST) == pytest.approx(100)
        assert mix.speed_up_of_all == pytest.approx(0.1 / 0.0109)

    def test_says_how_much_work_is_saved(self) -> None:
        mix = a_mix()

        assert mix.queries_saved == pytest.approx(0.9)
        assert mix.work_saved(lambda work: work.statement_seconds) == pytest.approx(0.9)

    def test_counts_what_the_cached_side_did_also_where_the_other_did_less_of_it(self) -> None:
        mix = a_mix()
        mix.without.taken[LIST] = Taken([], [0.1], 5)

        assert mix.queries_saved == pytest.approx(0.9)

    def test_has_percentiles_in_milliseconds(self) -> None:
        assert percentile([each / 1000 for each in range(1, 101)], 0.95) == pytest.approx(96)

    def test_is_held_to_the_published_table(self) -> None:
        missed = [bound.text for bound in bounds(a_mix()) if not bound.holds]

        assert missed == [
            "dashboard: mean without the cache to mean with it",
            "overview: mean without the cache to mean with it",
            "meeting: mean without the cache to mean with it",
        ]

    def test_is_reported_with_its_bounds(self) -> None:
        page = markdown([a_mix()], "make bench-mix", meetings=10, rounds=1, seconds=1, workers=1)

        assert "| list | 25.0% | 100.00 / 100.00 | 1.00 / 100.00 | 9.2× | 100.0× | 90.0% |" in page
        assert "| **no** | dashboard: mean without the cache to mean with it | 9.17 | ≥ 18.00 |" in page
