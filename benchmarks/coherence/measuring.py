"""Every variant under the same load, by turns."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.coherence.load import history_of
from benchmarks.coherence.serving import serving
from benchmarks.coherence.variants import VARIANTS, Variant
from benchmarks.serving import Stores
from tests.system.history.checker import check

WORKERS = 2
MEETINGS = 9


@dataclass(slots=True)
class Row:
    """What a variant came to in all rounds together; times in milliseconds."""

    variant: Variant
    reads: int = 0
    stale: int = 0
    longest_stale_ms: float = 0.0
    seconds: float = 0.0
    writes_ms: list[float] = field(default_factory=list)

    @property
    def stale_per_million(self) -> float:
        """How many of a million reads showed less than the last write acknowledged before they began."""
        return 1e6 * self.stale / self.reads

    def write_ms(self, percent: int) -> float:
        """The time that so many of a hundred writes did not exceed."""
        return statistics.quantiles(self.writes_ms, n=100, method="inclusive")[percent - 1]


async def measured(stores: Stores, rounds: int, seconds: float, report: Callable[[str], None]) -> list[Row]:
    """A row for each variant."""
    rows = [Row(variant) for variant in VARIANTS]
    for number in range(rounds):
        for row in rows:
            report(f"round {number + 1} of {rounds}: {row.variant.name}")
            async with serving(stores, row.variant, WORKERS, MEETINGS) as servers:
                history = await history_of(servers, MEETINGS, seconds, number)
            verdict = check(history)
            row.reads += verdict.reads
            row.stale += verdict.stale_reads
            row.longest_stale_ms = max(row.longest_stale_ms, 1000 * verdict.longest_stale_seconds)
            row.seconds += seconds
            row.writes_ms += [1000 * (write.ended - write.sent) for write in history.writes]
    return rows


def baseline(row: Row, rows: Sequence[Row]) -> Row:
    """The row that a row's writes are compared with."""
    return next(each for each in rows if each.variant.name == row.variant.baseline)
