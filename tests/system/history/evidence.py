"""What explains a violation: all that happened to its register about then."""

from collections.abc import Iterator

from tests.system.history.checker import Rule, Violation
from tests.system.history.history import History, WriteSpan

AROUND_SECONDS = 2.0
MOST_EVENTS = 150


def evidence(history: History, violation: Violation) -> list[str]:
    """The violation, and the events nearest to it in the order of time; its own line is marked."""
    start, end = history.starts[violation.read], history.ends[violation.read]
    events = list(_events(history, violation.register, start - violation.stale_seconds - AROUND_SECONDS, end + 1))
    nearest = sorted(events, key=lambda event: abs(event[0] - start))[:MOST_EVENTS]
    origin = history.starts[0]
    stale = f", {violation.stale_seconds * 1000:.1f} ms after" if violation.rule is Rule.ACKNOWLEDGED else ""
    own = _read(history, violation.read, violation.register)
    wrong = f"{violation.rule}, {violation.shown} instead of {violation.expected}{stale}"
    return [
        f"{history.names[violation.register]}: {wrong}",
        *(f"{'>>' if text == own else '  '} {time - origin:11.4f}  {text}" for time, text in sorted(nearest)),
    ]


def status_words(status: int) -> str:
    """How a write ended."""
    return {0: "without an answer", 200: "acknowledged", 412: "refused (412)"}.get(status, f"answered {status}")


def _events(history: History, register: int, first: float, last: float) -> Iterator[tuple[float, str]]:
    for fault in history.faults:
        who = "" if fault.worker is None else f" (worker {fault.worker})"
        if fault.began <= last and fault.ended >= first:
            yield fault.began, f"FAULT: {fault.kind}{who}, for {fault.ended - fault.began:.2f} s; {fault.note}"
            yield fault.ended, f"FAULT over: {fault.kind}{who}"
    spans = {span.sent: span for span in history.writes} | {span.ended: span for span in history.writes}
    for marks, word in ((history.sent, "sent"), (history.acknowledged, "ACKNOWLEDGED")):
        for time, each, version in zip(marks.times, marks.registers, marks.versions, strict=True):
            if each == register and first <= time <= last:
                yield time, f"version {version} {word}{_by(spans.get(time))}"
    for read in range(len(history)):
        near = history.ends[read] >= first and history.starts[read] <= last
        if near and history.version_shown(read, register) is not None:
            yield history.starts[read], _read(history, read, register)


def _read(history: History, read: int, register: int) -> str:
    length = (history.ends[read] - history.starts[read]) * 1000
    return (
        f"worker {history.workers[read]} shows {history.version_shown(read, register)} after {length:.1f} ms: "
        f"{history.shapes[history.asked[read]].endpoint}, {history.outcome_names[history.outcomes[read]]}"
    )


def _by(span: WriteSpan | None) -> str:
    return "" if span is None else f" by worker {span.worker} ({span.what}, {status_words(span.status)})"
