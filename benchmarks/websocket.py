"""A WebSocket client that costs little, so that what is measured is the server (RFC 6455, unfragmented text alone)."""

import asyncio
import base64
import os
from collections.abc import Callable

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class WebSocket(asyncio.Protocol):
    """One connection; `take` is called with each message."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._buffer = bytearray()
        self._is_open = False
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport

    @classmethod
    async def connect(cls, host: str, port: int, path: str, token: str, take: Callable[[str], None]) -> "WebSocket":
        """An open connection."""
        _, socket = await asyncio.get_running_loop().create_connection(lambda: cls(take), host, port)
        lines = (
            f"GET {path} HTTP/1.1",
            f"Host: {host}:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            f"Authorization: Bearer {token}",
        )
        socket._transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await socket._opened
        return socket

    def send(self, text: str) -> None:
        """Send a message."""
        self._write(TEXT, text.encode())

    def close(self) -> None:
        """End it."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._opened.done():
            self._opened.set_exception(exc or ConnectionError("closed before it was open"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._opened.set_exception(ConnectionError(head.decode()))
                return
            self._is_open = True
            self._buffer = bytearray(rest)
            self._opened.set_result(None)
        while self._take_frame():
            pass

    def _take_frame(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        length, begin = buffer[1], 2
        if length == 126:
            length, begin = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, begin = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < begin + length:
            return False
        kind, payload = buffer[0] & 0x0F, bytes(buffer[begin : begin + length])
        del buffer[: begin + length]
        if kind == TEXT:
            self._take(payload.decode())
        elif kind == PING:
            self._write(PONG, payload)
        elif kind == CLOSE:
            raise ConnectionError(f"closed with {int.from_bytes(payload[:2], 'big')} {payload[2:].decode()}")
        return True

    def _write(self, kind: int, payload: bytes) -> None:
        """A masked frame; a mask of zeros is one too."""
        length = len(payload)
        head = bytes((0x80 | kind, 0x80 | length)) if length < 126 else bytes((0x80 | kind, 0xFE)) + length.to_bytes(2)
        self._transport.write(head + bytes(4) + payload)
