"""Which of many hits are looked at: one in `EVERY`, and no more in a second than a busy worker can spare."""

import time
from collections.abc import Callable

EVERY = 64
# A line of the log and its time cost as much as a few hits; an audit as much as a hundred.
SECONDS = 0.02
AUDIT_SECONDS = 0.1


class Sampling:
    """Samples of hits that are numbered from 0; each stands for itself and those since the one before."""

    def __init__(
        self,
        *,
        seconds: float = SECONDS,
        audit_seconds: float = AUDIT_SECONDS,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._seconds = seconds
        self._audit_seconds = audit_seconds
        self._now = now
        self._last = -1
        self._next = 0
        self._from = 0.0
        self._audited_from = 0.0

    def is_due(self, number: int) -> bool:
        """Whether hit `number` is to be one."""
        return number >= self._next and self._now() >= self._from

    def is_audited(self, number: int, share: float, chance: Callable[[], float]) -> bool:
        """Whether it is to be loaded again and compared, as a `share` of all hits is."""
        now = self._now()
        if now < self._audited_from or chance() >= share * self._stands_for(number):
            return False
        self._audited_from = now + self._audit_seconds
        return True

    def take(self, number: int) -> int:
        """Take it; how many hits it stands for."""
        stands_for = self._stands_for(number)
        self._last, self._next, self._from = number, number + EVERY, self._now() + self._seconds
        return stands_for

    def _stands_for(self, number: int) -> int:
        return number - self._last
