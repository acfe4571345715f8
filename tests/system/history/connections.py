"""A client that costs the machine little: one keep-alive HTTP/1.1 connection, one request at a time, no parsing spared.

It knows of HTTP what this server uses: a Content-Length, or a status that has no body.
"""

import asyncio
import re
import time
from typing import cast

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
BODILESS = (204, 304)
# uvicorn closes connections that were idle for 5 s.
IDLE_SECONDS = 4.0


class Lost(Exception):
    """No answer came: refused, cut, or not within the time that was given."""


class Answer:
    """A response; `ended` is when its last byte came."""

    __slots__ = ("body", "ended", "head", "status")

    def __init__(self, status: int, head: bytes, body: bytes, ended: float) -> None:
        self.status = status
        self.head = head
        self.body = body
        self.ended = ended

    def header(self, name: bytes) -> bytes:
        """A header's value by its lower-case name; empty where there is none."""
        at = self.head.lower().find(b"\r\n" + name + b":")
        if at < 0:
            return b""
        start = at + len(name) + 3
        end = self.head.find(b"\r\n", start)
        return self.head[start : end if end >= 0 else None].strip()


class Connection(asyncio.Protocol):
    """One connection; after `Lost` it is closed and asks no more."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._reply: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None
        self._last_used = time.monotonic()

    @classmethod
    async def open(cls, port: int, timeout_seconds: float) -> "Connection":
        """Connect to a port of this machine; raises Lost."""
        try:
            async with asyncio.timeout(timeout_seconds):
                _, made = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        except (OSError, TimeoutError) as failure:
            raise Lost("refused") from failure
        return made

    @property
    def is_open(self) -> bool:
        """Whether the server has not closed it, and is not about to, as it does with idle ones."""
        idle_seconds = time.monotonic() - self._last_used
        return self._transport is not None and not self._transport.is_closing() and idle_seconds < IDLE_SECONDS

    async def ask(self, request: bytes, timeout_seconds: float) -> tuple[float, Answer]:
        """Send `request`; when it was sent, and its answer. Raises Lost."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise Lost("closed")
        reply = self._reply = self._loop.create_future()
        expiry = self._loop.call_later(timeout_seconds, self._lose, "timed out")
        began = time.monotonic()
        transport.write(request)
        try:
            return began, await reply
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            expiry.cancel()
            self._reply = None

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end])
        status = int(head[9:12])
        length = 0
        if status not in BODILESS:
            found = LENGTH.search(head)
            if found is None:
                self._lose("answered without a length")
                return
            length = int(found[1])
        if len(self._buffer) < end + 4 + length:
            return
        ended = self._last_used = time.monotonic()
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        self._buffer.clear()
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(Answer(status, head, body, ended))

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose("cut")

    def _lose(self, reason: str) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(Lost(reason))
        self.close()
