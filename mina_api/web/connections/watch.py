"""One look a second at every connection of a worker: a timer of each would cost every request."""

import asyncio
from collections.abc import Iterable
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

from mina_api.web.connections.limits import ConnectionLimits

LOOK_SECONDS = 1.0


@runtime_checkable
class Watched(Protocol):
    """A connection that knows when it has waited for its client too long."""

    limits: ConnectionLimits
    transport: asyncio.Transport

    def look(self, now: float) -> None:
        """End it if it is overdue at `now`, of the event loop's clock."""


class Watch:
    """Looks, as long as there are connections."""

    def __init__(self, state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        self._connections = state.connections
        self._loop = loop
        self._is_on = False

    def begin(self) -> None:
        """Look from now on, if that is not done already."""
        if not self._is_on:
            self._is_on = True
            self._loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._is_on = False
        now = self._loop.time()
        watched = [each for each in self._connections if isinstance(each, Watched)]
        for each in watched:
            each.look(now)
        shed(watched)
        if self._connections:
            self.begin()


def shed(connections: Iterable[Watched]) -> None:
    """Cut off those who owe most, until what waits for all of them to read it is within their limit."""
    owed = sorted(((each.transport.get_write_buffer_size(), id(each), each) for each in connections), reverse=True)
    total = sum(size for size, _, _ in owed)
    for size, _, each in owed:
        if total <= each.limits.buffered_bytes:
            return
        each.transport.abort()
        total -= size


_watches: WeakKeyDictionary[ServerState, Watch] = WeakKeyDictionary()


def watch_of(state: ServerState, loop: asyncio.AbstractEventLoop) -> Watch:
    """The one watch of a server."""
    if (watch := _watches.get(state)) is None:
        _watches[state] = watch = Watch(state, loop)
    return watch


class Wait:
    """What is waited for, since when, and how much of it had come by then."""

    __slots__ = ("_done", "_since", "_what")

    def __init__(self) -> None:
        self._what: object = None
        self._since = 0.0
        self._done = 0

    def is_over(self, now: float, what: object, done: int, seconds: float, least: int) -> bool:
        """Whether `what` has been waited for so long, and by fewer than `least` more of it `done`."""
        if what is not self._what:
            self._what, self._since, self._done = what, now, done
            return False
        if now - self._since < seconds:
            return False
        if done - self._done < least:
            return True
        self._since, self._done = now, done
        return False

    def end(self) -> None:
        """Nothing is waited for."""
        self._what = None


class Sending:
    """Whether what was written is taken: told when the buffer was full and is not any more, and asked at each look."""

    __slots__ = ("_drained", "_wait")

    def __init__(self) -> None:
        self._drained = 0
        self._wait = Wait()

    def drain(self) -> None:
        """What was written has been taken but for little, and more will be written."""
        self._drained += 1

    def is_over(self, now: float, buffered: int, seconds: float, least: int) -> bool:
        """Whether the client has taken fewer than `least` of the `buffered` bytes for so long."""
        if not buffered:
            self._wait.end()
            return False
        return self._wait.is_over(now, self, (self._drained << 40) - buffered, seconds, least)
