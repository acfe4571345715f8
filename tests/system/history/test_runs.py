"""Short runs: the cache endures faults, and the checker sees through caches that do not."""

from pathlib import Path
from random import Random

import pytest

from tests.measured import Measured
from tests.system.history.checker import Rule
from tests.system.history.evidence import evidence
from tests.system.history.faults import KINDS
from tests.system.history.nemesis import schedule
from tests.system.history.runs import Plan, Result, run
from tests.system.history.summary import summary

SEED = 20261124
VARIANTS = "tests.system.history.variants"
PATIENT = pytest.mark.timeout(600)


def explained(result: Result) -> str:
    """The summary, and the events around the first violations."""
    events = (line for each in result.verdict.examples[:3] for line in ("", *evidence(result.history, each)))
    return "\n".join([*summary(result), *events])


class TestSchedule:
    def test_comes_from_its_seed_alone(self) -> None:
        first, again, other = (
            [fault for fault, _ in zip(schedule(Random(seed), list(KINDS), 1, 2, 1.0), range(100), strict=False)]
            for seed in (1, 1, 2)
        )

        assert first == again != other

    def test_has_every_kind_once_before_any_comes_twice(self) -> None:
        faults = schedule(Random(1), list(KINDS), None, 3, 1.0)

        assert [sorted(next(faults).kind for _ in KINDS) for _ in range(3)] == [sorted(KINDS)] * 3


class TestTheCache:
    @PATIENT
    async def test_shows_nothing_older_than_it_may_under_faults(
        self, tmp_path: Path, database_url: str, measured: Measured
    ) -> None:
        result = await run(Plan(25.0, SEED, pause_between_faults_seconds=1.5), tmp_path, database_url)

        print(explained(result))
        measured.note("judged", len(result.history), "reads")
        measured.note("violations", result.verdict.counts.total(), "")
        assert result.verdict.is_clean, explained(result)
        assert {fault.ended < float("inf") for fault in result.history.faults} == {True}
        assert any(name.startswith("hit; detail=l1") for name in result.history.outcome_names)
        assert any(write.status == 200 for write in result.history.writes)


class TestTheChecker:
    @PATIENT
    @pytest.mark.parametrize(
        ("variant", "kinds"),
        [
            ("plain-ttl", []),
            ("delete-after-commit", ["stop a worker", "mute one worker's Redis"]),
            ("unacknowledged", ["deafen one worker's subscription"]),
        ],
    )
    async def test_sees_through_a_weaker_cache(
        self, tmp_path: Path, database_url: str, variant: str, kinds: list[str]
    ) -> None:
        plan = Plan(
            180.0,
            SEED,
            kinds=kinds,
            pause_between_faults_seconds=0.5 if kinds else 0.0,
            reads_per_write=20,
            until_violated=True,
            program=(VARIANTS, variant),
        )

        result = await run(plan, tmp_path, database_url)

        assert result.verdict.counts[Rule.ACKNOWLEDGED] > 0, explained(result)
        assert result.verdict.longest_stale_seconds > 0
        assert any(line.startswith(">>") for line in evidence(result.history, result.verdict.examples[0]))
