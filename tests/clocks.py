"""A clock that stands still until it is told otherwise."""


class FakeClock:
    """Wall-clock and monotonic time that move together, by `advance` alone."""

    def __init__(self, now: float = 1_795_500_000.0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now += seconds
        self._monotonic += seconds
