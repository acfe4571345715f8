"""The results as Markdown."""

import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.coherence.load import READERS
from benchmarks.coherence.measuring import MEETINGS, WORKERS, Row, baseline
from benchmarks.coherence.strictness import LEASE_MS, MOST_ADDED_MS, STOPS, WRITES, Cost
from benchmarks.coherence.strictness import WORKERS as WORKERS_OF_STRICTNESS

RESULTS = Path(__file__).resolve().parents[1] / "results" / "coherence.md"
HEADS = (
    "cache",
    "reads",
    "stale per million",
    "longest staleness ms",
    "write p50 ms",
    "p99 ms",
    "added p50",
    "added p99",
)


def markdown(rows: Sequence[Row], cost: Cost, rounds: int, seconds: float) -> str:
    """The page of results."""
    return "\n".join(
        [
            "# How stale an answer gets, and what it costs a writer that none does",
            "",
            f"- {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; load"
            f" {os.getloadavg()[0]:.1f} at the end. `make bench-coherence`.",
            f"- {MEETINGS} meetings with one writer each, which pauses 50 to 150 ms, and {READERS} readers without a"
            f" pause, over {WORKERS} workers; {rounds} rounds of {seconds:g} s by turns. No fault.",
            "- A read is stale if it shows less than the last write that was acknowledged before it began; for how"
            " long: since the version after the one shown was acknowledged.",
            "- *added*: to the write of the same application without a cache.",
            "",
            f"| {' | '.join(HEADS)} |",
            f"|---|{'---:|' * (len(HEADS) - 1)}",
            *(f"| {' | '.join(_cells(row, rows))} |" for row in rows),
            "",
            "## The cost of strictness",
            "",
            f"{WORKERS_OF_STRICTNESS} workers, each with answers in its memory; one writer, {WRITES} writes with the"
            f" cache and {WRITES} of the same application without it by turns. Then one worker is stopped (SIGSTOP),"
            f" {STOPS} times.",
            "",
            "| | p50 ms | p99 ms | most ms | bound |",
            "|---|---:|---:|---:|---|",
            _line("write without the cache", cost.without, ""),
            _line("write with it", cost.with_cache, ""),
            f"| added | {cost.added_ms:.2f} | | | ≤ {MOST_ADDED_MS:g} ms (p50) |",
            _line("first write after a worker stopped", cost.first_stopped, ""),
            f"| added | | | {cost.most_added_stopped_ms:.1f} | ≤ {LEASE_MS:g} ms, the lease |",
            _line("the writes after it, the worker still stopped", cost.later_stopped, ""),
            "",
        ]
    )


def _cells(row: Row, rows: Sequence[Row]) -> Sequence[str]:
    base = baseline(row, rows)
    return (
        row.variant.name,
        f"{row.reads:,}",
        f"{row.stale_per_million:,.0f}",
        f"{row.longest_stale_ms:,.0f}",
        f"{row.write_ms(50):.1f}",
        f"{row.write_ms(99):.1f}",
        "" if base is row else f"{row.write_ms(50) - base.write_ms(50):.1f}",
        "" if base is row else f"{row.write_ms(99) - base.write_ms(99):.1f}",
    )


def _line(name: str, taken: Sequence[float], bound: str) -> str:
    p99 = statistics.quantiles(taken, n=100, method="inclusive")[98]
    return f"| {name} | {statistics.median(taken):.2f} | {p99:.2f} | {max(taken):.1f} | {bound} |"
