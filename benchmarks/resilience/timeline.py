"""A timeline: when requests were sent and answered, and what it says of a time of outage. Pure; times in seconds."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

# Until a breaker can be open: what comes before is in the slowest answer, not in the throughput.
OPENING_SECONDS = 1.0
RECOVERED = 0.9
WINDOW_SECONDS, STEP_SECONDS = 0.25, 0.05


@dataclass(slots=True)
class Timeline:
    """What readers saw; `spans` are of requests that were answered, or lost, or never answered."""

    healthy_from: float = 0.0
    lost_at: float = 0.0
    returned_at: float = 0.0
    ended_at: float = 0.0
    answered: list[float] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)
    server_errors: int = 0
    other_errors: int = 0

    def note(self, began: float, ended: float, status: int | None) -> None:
        """A request; without a status its connection was lost."""
        self.spans.append((began, ended))
        if status == 200:
            self.answered.append(ended)
        elif status is not None and status >= 500:
            self.server_errors += 1
        else:
            self.other_errors += 1

    def end(self, ended_at: float, waiting: Iterable[float]) -> "Timeline":
        """Close it; `waiting` is when requests that are still without an answer were sent."""
        self.ended_at = ended_at
        self.spans += [(began, ended_at) for began in waiting]
        self.answered.sort()
        return self

    @property
    def healthy_rate(self) -> float:
        """Answers a second before the outage."""
        return self._rate(self.healthy_from, self.lost_at)

    @property
    def outage_rate(self) -> float:
        """Answers a second during it, once a breaker can be open."""
        return self._rate(self.lost_at + OPENING_SECONDS, self.returned_at)

    @property
    def ratio(self) -> float:
        """The second to the first."""
        return self.outage_rate / self.healthy_rate if self.healthy_rate else 0.0

    @property
    def slowest_ms(self) -> float:
        """The longest that a request took, or had waited, that ended after the outage began."""
        return 1000 * max((ended - began for began, ended in self.spans if ended >= self.lost_at), default=0.0)

    @property
    def recovery_seconds(self) -> float | None:
        """From Redis's return until as many are answered as before it went; None if that was not seen."""
        enough = RECOVERED * self.healthy_rate
        for step in range(int((self.ended_at - self.returned_at - WINDOW_SECONDS) / STEP_SECONDS) + 1):
            start = self.returned_at + step * STEP_SECONDS
            if self._rate(start, start + WINDOW_SECONDS) >= enough:
                return step * STEP_SECONDS
        return None

    def _rate(self, start: float, end: float) -> float:
        return (bisect_left(self.answered, end) - bisect_left(self.answered, start)) / (end - start)
