"""What `benchmarks.resilience` measures Mina by: its server counts loads in all workers, and its sums are right."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks.resilience.bounds import bounds
from benchmarks.resilience.outage import Outages, outage
from benchmarks.resilience.serving import serving
from benchmarks.resilience.stampede import Burst, Stampedes, burst
from benchmarks.resilience.timeline import Timeline
from benchmarks.resilience.variants import IN_A_STAMPEDE, IN_AN_OUTAGE, MINA, MINA_AWAY, MINA_REDIS, Variant, chosen
from benchmarks.serving import Stores
from mina_api.dev.valkey import PrivateValkey
from tests.system.running import PATIENT

ROOT = Path(__file__).resolve().parents[2]
PATIENT_MINA = Variant(MINA.name, MINA.module, MINA.ready, MINA.python, PATIENT)


@pytest.fixture
async def stores(
    tmp_path: Path, database_url: str, private_valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stores]:
    """A database and a Valkey of the test's own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield Stores(tmp_path, database_url, private_valkey)


def a_timeline() -> Timeline:
    """Ten answers a second until 10, none for 2 s, half as many until 14, all from 15 to 20; one took 2 s."""
    timeline = Timeline(healthy_from=5.0, lost_at=10.0, returned_at=14.0)
    for tenths in (*range(50, 100), *range(120, 150, 2), *range(150, 200)):
        timeline.note(tenths / 10, tenths / 10, 200)
    timeline.note(10.0, 12.0, 503)
    timeline.note(10.0, 10.1, None)
    return timeline


class TestServer:
    async def test_of_mina_counts_what_its_workers_load_and_answers_without_redis(self, stores: Stores) -> None:
        async with serving(stores, PATIENT_MINA, 2, 0.0) as service:
            await service.warm(1)
            found = await burst(service, 10, 1000)
            loads = service.loads

            seen = await outage(service, stores.valkey, "SIGKILL", 0.3)

        assert (loads, found.loads, found.failed) == (2, 1, 0)
        assert stores.valkey.is_alive
        assert len(seen.answered) > 0
        assert seen.server_errors == 0


class TestTimeline:
    def test_compares_the_outage_with_what_was_before(self) -> None:
        timeline = a_timeline().end(20.0, [])

        assert timeline.healthy_rate == 10
        assert timeline.outage_rate == pytest.approx(10 / 3)
        assert timeline.ratio == pytest.approx(1 / 3)

    def test_counts_what_failed_and_how_long_it_took(self) -> None:
        timeline = a_timeline().end(20.0, [])

        assert (timeline.server_errors, timeline.other_errors) == (1, 1)
        assert timeline.slowest_ms == 2000

    def test_counts_who_still_waits_as_waiting_until_the_end(self) -> None:
        assert a_timeline().end(20.0, [11.0]).slowest_ms == 9000

    def test_has_recovered_once_as_many_are_answered_as_before(self) -> None:
        assert a_timeline().end(20.0, []).recovery_seconds == pytest.approx(0.8, abs=0.2)

    def test_has_not_recovered_where_that_is_not_seen(self) -> None:
        timeline = a_timeline()
        timeline.answered = [each for each in timeline.answered if each < 15]

        assert timeline.end(20.0, []).recovery_seconds is None


class TestBounds:
    def test_are_named_where_mina_misses_them(self) -> None:
        bursts = {(1, 200): [Burst(1, 10.0, 0)], (2, 1000): [Burst(1, 10.0, 0), Burst(2, 10.0, 1)]}
        lost = Outages(MINA, "SIGSTOP", [a_timeline().end(20.0, [])])

        missed = [each.text for each in bounds([Stampedes(MINA, bursts)], [lost]) if not each.holds]

        assert missed == [
            "Mina: loads for 1,000 cold requests, workers: 2",
            "Mina: requests of stampedes that failed",
            "Mina, SIGSTOP: slowest answer, ms",
            "Mina, SIGSTOP: throughput during the outage to healthy",
            "Mina, SIGSTOP: answers but 200, connections lost",
        ]

    def test_allow_a_load_in_each_worker_without_redis(self) -> None:
        found = Stampedes(MINA_AWAY, {(2, 200): [Burst(2, 10.0, 0)]})

        assert all(each.holds for each in bounds([found], []))


class TestChosen:
    def test_takes_the_variants_that_hold_a_word(self) -> None:
        assert chosen(IN_AN_OUTAGE, "mina") == [MINA_REDIS, MINA]

    def test_takes_all_without_a_word(self) -> None:
        assert chosen(IN_A_STAMPEDE, "") == list(IN_A_STAMPEDE)
