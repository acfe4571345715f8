"""What a run came to, in a few lines."""

from collections import Counter
from collections.abc import Iterator

from tests.system.history.evidence import status_words
from tests.system.history.faults import KINDS, NO_WRITE
from tests.system.history.history import Failure, FaultSpan, History
from tests.system.history.runs import Result

# Until then Postgres may have ended what hung in it, and connections are made anew.
GRACE_SECONDS = 6.0


def summary(result: Result) -> Iterator[str]:
    """The counts, a line each."""
    history, verdict = result.history, result.verdict
    slowest = max((end - start for start, end in zip(history.starts, history.ends, strict=True)), default=0.0)
    yield f"reads: {len(history)}, {len(history) / result.seconds:.0f} a second; slowest {slowest:.2f} s"
    yield from _counted("by outcome", Counter(history.outcome_names[outcome] for outcome in history.outcomes))
    yield from _counted("by endpoint", Counter(history.shapes[asked].endpoint for asked in history.asked))
    yield f"writes: {len(history.writes)}"
    yield from _counted("by end", Counter(status_words(write.status) for write in history.writes))
    taken = sorted(1000 * (write.ended - write.sent) for write in history.writes if write.status == 200)
    if taken:
        middle, late = taken[len(taken) // 2], taken[len(taken) * 99 // 100]
        yield f"  acknowledged after {middle:.1f} ms (p50), {late:.1f} ms (p99), {taken[-1]:.0f} ms (most)"
    yield f"faults: {len(history.faults)}"
    yield from _counted("by kind", Counter(_kind(fault) for fault in history.faults))
    yield f"questions without an answer: {len(history.failures)}"
    yield from _counted(
        "while a fault excused it", Counter(each.reason for each in history.failures if excused(history, each))
    )
    yield from _counted("WITHOUT AN EXCUSE", Counter(each.reason for each in unexcused(history)))
    yield f"violations: {verdict.counts.total()}, in {verdict.violating_reads} of {len(history)} reads"
    yield from _counted("by rule", Counter({str(rule): count for rule, count in verdict.counts.items()}))
    yield f"stale reads per million: {1e6 * verdict.stale_reads / max(1, len(history)):.1f}"
    yield f"longest staleness: {verdict.longest_stale_seconds * 1000:.1f} ms"


def unexcused(history: History) -> list[Failure]:
    """The questions that went without an answer while only Redis, or nothing, was broken."""
    return [failure for failure in history.failures if not excused(history, failure)]


def excused(history: History, failure: Failure) -> bool:
    """Whether a fault about then lets that worker's questions go without an answer."""
    return any(
        KINDS[fault.kind].excuses
        and fault.worker in (None, failure.worker)
        and fault.began <= failure.end
        and fault.ended + GRACE_SECONDS >= failure.start
        for fault in history.faults
    )


def _kind(fault: FaultSpan) -> str:
    return f"{fault.kind}, but {NO_WRITE}" if fault.note == NO_WRITE else fault.kind


def _counted(title: str, counts: "Counter[str]") -> Iterator[str]:
    if counts:
        yield f"  {title}:"
        yield from (f"  {count:>9}  {name}" for name, count in counts.most_common())
