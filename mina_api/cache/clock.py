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
        """Seconds since the machine started, those that it slept too where it can tell: leases end in sleep."""
        return time.clock_gettime(_ALWAYS_RUNNING)


_ALWAYS_RUNNING: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
