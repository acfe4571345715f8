"""The judge of a history: pure, over arrays, in O(n log n).

1. No read that began after a write was acknowledged shows less.
2. No read shows less than one that ended before it began, whatever the two asked.
3. No read shows what was not sent before it ended.

A write without an answer may have been done, at any time or never: it allows its version to be shown and demands
nothing. Moments are compared strictly, as the clock of one process gave them; equal ones are concurrent.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from tests.system.history.history import History, Marks


class Rule(StrEnum):
    """What a violation violates."""

    ACKNOWLEDGED = "older than an acknowledged write"
    SHOWN = "older than what an earlier read showed"
    WRITTEN = "never written"


@dataclass(frozen=True, slots=True)
class Violation:
    """A read that shows `shown` of a register where at least (or, never written, at most) `expected` was due.

    `earlier` is the read that had shown it, by rule 2. `stale_seconds` is how long before the read began a newer
    version than the one shown was acknowledged, by rule 1.
    """

    rule: Rule
    read: int
    register: int
    shown: int
    expected: int
    earlier: int | None = None
    stale_seconds: float = 0.0

    @property
    def kin(self) -> tuple[Rule, int, int]:
        """The same for all violations that one of them explains."""
        return self.rule, self.register, self.expected


@dataclass(slots=True)
class Verdict:
    """What a history comes to; `examples` are violations of different registers or versions, by when they began."""

    reads: int
    counts: Counter[Rule] = field(default_factory=Counter)
    violating_reads: int = 0
    stale_reads: int = 0
    longest_stale_seconds: float = 0.0
    examples: list[Violation] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was violated."""
        return not self.counts


def check(history: History, *, examples: int = 20) -> Verdict:
    """Judge all reads; keep so many of the violations as examples."""
    verdict = Verdict(reads=len(history))
    found = [*_too_old(history, verdict).values(), *_too_new(history, verdict).values()]
    verdict.examples = sorted(found, key=lambda violation: history.starts[violation.read])[:examples]
    return verdict


_Examples = dict[tuple[Rule, int, int], Violation]


def _too_old(history: History, verdict: Verdict) -> _Examples:
    """Rules 1 and 2: one sweep over the reads by their start, behind it what had ended by then."""
    starts, ends = history.starts, history.ends
    by_end = sorted(range(len(history)), key=ends.__getitem__)
    acknowledgements = history.acknowledged.in_order()
    superseding = _Superseding(history.acknowledged)
    acknowledged = [0] * len(history.names)
    shown = [0] * len(history.names)
    shown_by = [-1] * len(history.names)
    next_acknowledgement, next_end, found = 0, 0, _Examples()
    for read in sorted(range(len(history)), key=starts.__getitem__):
        start = starts[read]
        while next_acknowledgement < len(acknowledgements) and acknowledgements[next_acknowledgement][0] < start:
            _, register, version = acknowledgements[next_acknowledgement]
            acknowledged[register] = max(acknowledged[register], version)
            next_acknowledgement += 1
        while ends[by_end[next_end]] < start:
            for register, version in history.shown(by_end[next_end]):
                if version > shown[register]:
                    shown[register], shown_by[register] = version, by_end[next_end]
            next_end += 1
        stale_seconds, is_violating = 0.0, False
        for register, version in history.shown(read):
            if version < acknowledged[register]:
                seconds = start - superseding.time(register, version)
                stale_seconds = max(stale_seconds, seconds)
                violation = Violation(
                    Rule.ACKNOWLEDGED, read, register, version, acknowledged[register], stale_seconds=seconds
                )
            elif version < shown[register]:
                violation = Violation(Rule.SHOWN, read, register, version, shown[register], shown_by[register])
            else:
                continue
            is_violating = True
            verdict.counts[violation.rule] += 1
            found.setdefault(violation.kin, violation)
        verdict.violating_reads += is_violating
        verdict.stale_reads += stale_seconds > 0
        verdict.longest_stale_seconds = max(verdict.longest_stale_seconds, stale_seconds)
    return found


def _too_new(history: History, verdict: Verdict) -> _Examples:
    """Rule 3: one sweep over the reads by their end, behind it what had been sent by then."""
    ends = history.ends
    sent = history.sent.in_order()
    highest = [0] * len(history.names)
    next_sent, found = 0, _Examples()
    for read in sorted(range(len(history)), key=ends.__getitem__):
        while next_sent < len(sent) and sent[next_sent][0] < ends[read]:
            _, register, version = sent[next_sent]
            highest[register] = max(highest[register], version)
            next_sent += 1
        too_new = [
            Violation(Rule.WRITTEN, read, register, version, highest[register])
            for register, version in history.shown(read)
            if version > highest[register]
        ]
        verdict.violating_reads += bool(too_new)
        verdict.counts.update(violation.rule for violation in too_new)
        for violation in too_new:
            found.setdefault(violation.kin, violation)
    return found


class _Superseding:
    """When a newer version than a given one was first acknowledged."""

    def __init__(self, acknowledged: Marks) -> None:
        self._versions: dict[int, list[int]] = {}
        self._times: dict[int, list[float]] = {}
        for time, register, version in acknowledged.in_order():
            self._versions.setdefault(register, []).append(version)
            self._times.setdefault(register, []).append(time)

    def time(self, register: int, version: int) -> float:
        """A writer writes one version after another, so that versions and times grow alike."""
        return self._times[register][bisect_right(self._versions[register], version)]
