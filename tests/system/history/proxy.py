"""A TCP proxy between one worker and one of its servers, which loses what passes in the ways that a network does.

What is held back is delivered late, after the client has gone too: so a command may reach Redis long after the worker
that sent it has given it up.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import cast

FIRST_WORDS = 1000


class Way(Enum):
    """Which way something goes."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


class Proxy:
    """Listens on a port of its own and passes on to `target`; healthy until it is told otherwise."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.delay_seconds = 0.0
        self._pairs: set[_Pair] = set()
        self._server: asyncio.Server | None = None
        self._is_refusing = False
        self._held: set[Way] = set()
        self._held_marker = b""
        self._trap: _Trap | None = None

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Pair(self).sides[Way.TO_SERVER], "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut every connection and listen no more."""
        if self._server is not None:
            self._server.close()
        pairs = tuple(self._pairs)
        self.cut()
        await asyncio.gather(*(pair.over.wait() for pair in pairs))

    def cut(self) -> None:
        """Reset every connection; new ones may be made."""
        for pair in tuple(self._pairs):
            pair.abort()

    def refuse(self) -> None:
        """Reset every connection, and each new one as soon as it is made."""
        self._is_refusing = True
        self.cut()

    def hold(self, *ways: Way, marker: bytes = b"") -> None:
        """Pass nothing on in these ways, without anybody being told: on all connections, or those that sent `marker`.

        The marker is looked for in what a connection sends first.
        """
        self._held.update(ways)
        self._held_marker = marker

    def slow_down(self, seconds: float) -> None:
        """Pass everything on so much later."""
        self.delay_seconds = seconds

    def heal(self, *, deliver: bool = True) -> None:
        """Pass on again: first what was held back, or where that shall be lost, on new connections only."""
        held = [pair for pair in self._pairs if not all(self.is_passing(way, pair) for way in Way)]
        self._is_refusing, self._held, self._trap, self.delay_seconds = False, set(), None, 0.0
        for pair in held:
            pair.release() if deliver else pair.abort()

    def trap(self, marker: bytes, *, passing: bool, way: Way = Way.TO_SERVER) -> "asyncio.Future[bytes]":
        """From the next chunk to the server with `marker` on, hold back everything that goes `way`.

        Where it is `passing`, the chunk itself still goes through. The future is of that chunk.
        """
        self._trap = _Trap(marker, passing, way)
        return self._trap.sprung

    # For the pairs

    def admits(self, pair: "_Pair") -> bool:
        """Whether a new connection is passed on."""
        if not self._is_refusing:
            self._pairs.add(pair)
        return not self._is_refusing

    def forget(self, pair: "_Pair") -> None:
        """A connection is over."""
        self._pairs.discard(pair)

    def is_passing(self, way: Way, pair: "_Pair") -> bool:
        """Whether things pass that way on a connection."""
        return way not in self._held or self._held_marker not in pair.first_words

    def watch(self, way: Way, chunk: bytes, pass_on: Callable[[], None]) -> None:
        """Have `chunk`, which has come, passed on, unless it is held back; springs the trap that it walks into."""
        if way is Way.TO_CLIENT or self._trap is None or self._trap.marker not in chunk:
            pass_on()
            return
        trap, self._trap = self._trap, None
        if trap.passing:
            pass_on()
        self.hold(trap.way)
        if not trap.sprung.done():
            trap.sprung.set_result(chunk)


class _Trap:
    def __init__(self, marker: bytes, passing: bool, way: Way) -> None:
        self.marker = marker
        self.passing = passing
        self.way = way
        self.sprung: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()


class _Pair:
    """A client's connection and the one to the server that stands for it; a side is named by the way it feeds."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.sides = {way: _Side(self, way) for way in Way}
        self.over = asyncio.Event()
        self.first_words = b""
        self._connecting: asyncio.Task[None] | None = None

    def connect(self) -> None:
        """The client is there: connect to the server too."""
        if self.proxy.admits(self):
            self._connecting = asyncio.create_task(self._connect())
        else:
            self.abort()

    async def _connect(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: self.sides[Way.TO_CLIENT], "127.0.0.1", self.proxy.target)
        except OSError:
            self.abort()

    def other(self, side: "_Side") -> "_Side":
        """The side that `side` feeds."""
        return self.sides[Way.TO_CLIENT if side.way is Way.TO_SERVER else Way.TO_SERVER]

    def release(self) -> None:
        """Pass on what was held back."""
        for side in self.sides.values():
            side.feed()

    def abort(self) -> None:
        """Reset both."""
        for side in self.sides.values():
            side.backlog.clear()
            if side.transport is not None:
                side.transport.abort()

    def ended(self) -> None:
        """A side has ended: the pair is over once both have."""
        if all(side.has_ended for side in self.sides.values()):
            self.proxy.forget(self)
            self.over.set()


class _Side(asyncio.Protocol):
    """One of the two connections; `backlog` is what came from it and was not passed on yet."""

    def __init__(self, pair: _Pair, way: Way) -> None:
        self.pair = pair
        self.way = way
        self.backlog: list[bytes] = []
        self.transport: asyncio.Transport | None = None
        self.has_ended = False
        self._delayed: deque[bytes] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.way is Way.TO_SERVER:
            self.pair.connect()
        else:
            self.pair.other(self).feed()

    def data_received(self, data: bytes) -> None:
        if self.pair.proxy.delay_seconds or self._delayed:
            self._delayed.append(data)
            asyncio.get_running_loop().call_later(self.pair.proxy.delay_seconds, self._pass_on)
        else:
            self._take(data)

    def _pass_on(self) -> None:
        """What has waited longest goes first, whichever timer rings."""
        self._take(self._delayed.popleft())

    def _take(self, data: bytes) -> None:
        self.backlog.append(data)
        if self.way is Way.TO_SERVER and len(self.pair.first_words) < FIRST_WORDS:
            self.pair.first_words += data
        self.pair.proxy.watch(self.way, data, self.feed)

    def connection_lost(self, exc: Exception | None) -> None:
        self.has_ended = True
        self.feed()
        self.pair.ended()

    def feed(self) -> None:
        """Pass on what may pass, and then the end of it."""
        fed = self.pair.other(self)
        if fed.has_ended:
            self.backlog.clear()
        if fed.transport is None or fed.has_ended or not self.pair.proxy.is_passing(self.way, self.pair):
            return
        if self.backlog and not fed.transport.is_closing():
            fed.transport.write(b"".join(self.backlog))
        self.backlog.clear()
        if self.has_ended and not self._delayed:
            fed.transport.close()
