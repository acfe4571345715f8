"""A reading of many callers by one Redis connection: what one event-loop turn asks for is one write.

Written for speed alone: no reconnection, no time-out, no breaker. It shows what a look-up in Redis has to cost.
"""

import asyncio
from collections import deque
from typing import Self, cast
from urllib.parse import urlsplit

import hiredis


class Multiplexed(asyncio.Protocol):
    """One connection; replies come in the order of the commands."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[object]] = deque()
        self._written: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def connect(cls, url: str) -> Self:
        """A connection, logged in."""
        address = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(cls, address.hostname or "127.0.0.1", address.port or 6379)
        if address.password:
            await protocol.command(b"AUTH", address.password.encode())
        return protocol

    def command(self, *parts: bytes) -> asyncio.Future[object]:
        """The future reply."""
        if not self._written:
            self._loop.call_soon(self._flush)
        self._written.append(hiredis.pack_command(parts))  # type: ignore[arg-type]  # its stub names tuples of one
        reply: asyncio.Future[object] = self._loop.create_future()
        self._waiting.append(reply)
        return reply

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to write (asyncio.Protocol)."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        """Some replies (asyncio.Protocol)."""
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(reply)

    def _flush(self) -> None:
        written, self._written = self._written, []
        assert self._transport is not None
        self._transport.write(b"".join(written))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
