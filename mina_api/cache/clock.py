"""Time, as the cache asks for it: injected, so that nothing in a test has to sleep."""

import time
from typing import Protocol


class Clock(Protocol):
    """A source of wall-clock and monotonic time, both in seconds."""

    def now(self) -> float:
        """Seconds since the epoch: for ages and expiry that other processes read too."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps: for durations within this process."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds on the monotonic clock."""
        return time.monotonic()
