"""A circuit breaker: closed while a dependency answers, open after a failure, closed again by a probe.

(Nygard, *Release It!*, 2nd ed., section 5.2.) Pure state: who owns it probes and sleeps.
"""

import random


class Breaker:
    """Closed or open, and how long the owner's one probe should wait before its next try, in seconds."""

    def __init__(self, *, first_wait_seconds: float, longest_wait_seconds: float) -> None:
        self._first = first_wait_seconds
        self._longest = longest_wait_seconds
        self._failures = 0
        # Whether the dependency may be asked.
        self.is_closed = True
        self._random = random.Random()  # noqa: S311  (jitter, not a secret)

    def trip(self) -> bool:
        """Open it; True if it was closed, so that one caller starts the probe and logs the change."""
        was_closed, self.is_closed = self.is_closed, False
        self._failures += 1
        return was_closed

    def close(self) -> None:
        """The probe succeeded: ask again."""
        self.is_closed = True
        self._failures = 0

    def next_wait(self) -> float:
        """Seconds until the next probe: exponential with full jitter above a half, bounded."""
        ceiling = min(self._longest, self._first * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return ceiling * (0.5 + self._random.random() / 2)
