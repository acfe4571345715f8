"""One load of a key at a time in all processes while the tier, which says whose turn it is, is lost.

Without a tier nothing is shared, so each process loads for itself, once for all who ask it; what a lock adds is that
they do so one after the other: the database never runs one answer's queries as often at once as there are processes.
"""

import contextlib
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from mina_api.cache.clock import Clock

MOST_KEYS = 1000


class KeyLock(Protocol):
    """A lock that every process knows by a key's name."""

    def alone(self, name: str) -> AbstractAsyncContextManager[None]:
        """A block that no other process is in, as far as that can be had soon; raises nothing of its own."""


class NoKeyLock:
    """For a process that has nobody to agree with, or nothing to agree by."""

    def alone(self, name: str) -> AbstractAsyncContextManager[None]:  # noqa: ARG002  (the protocol's)
        """Enters at once."""
        return contextlib.nullcontext()


class Contention:
    """The keys that several asked for at once within the last `seconds`; the `MOST_KEYS` last ones."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._noted: dict[str, float] = {}

    def note(self, name: str) -> None:
        """Several ask for this key now."""
        self._noted.pop(name, None)
        self._noted[name] = self._clock.monotonic()
        if len(self._noted) > MOST_KEYS:
            del self._noted[next(iter(self._noted))]

    def __contains__(self, name: str) -> bool:
        noted = self._noted.get(name)
        return noted is not None and self._clock.monotonic() - noted < self._seconds
