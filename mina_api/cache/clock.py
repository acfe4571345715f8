"""Time, as the cache asks for it: injected, so that nothing in a test has to sleep."""

import time
from functools import partial
from typing import Protocol


class Clock(Protocol):
    """A source of wall-clock and monotonic time, both in seconds."""

    def now(self) -> float:
        """Seconds since the epoch: for ages and expiry that other processes read too."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps: for durations within this process."""


# Counts the time that the machine slept too, where it can tell: leases end in sleep.
_ALWAYS_RUNNING: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's own clocks, asked without a function of ours between: a request looks at them ten times."""

    now = staticmethod(time.time)
    monotonic = staticmethod(partial(time.clock_gettime, _ALWAYS_RUNNING))
