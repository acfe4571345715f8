"""A connection to an application under uvicorn, bytes to bytes and without a socket."""

import asyncio
from collections.abc import Mapping
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from mina_api.web.application import Application
from mina_api.web.connections import HttpConnection


class Wire(asyncio.Transport):
    """The server's end of a connection; keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 80)})
        self.written = bytearray()
        self.is_written = asyncio.Event()
        self.is_closed = False

    def write(self, data: Any) -> None:
        """Keep it."""
        self.written += data
        self.is_written.set()

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.is_closed

    def close(self) -> None:
        """End it."""
        self.is_closed = True
        self.is_written.set()

    def abort(self) -> None:
        """The same."""
        self.close()

    def get_write_buffer_size(self) -> int:
        """All is taken at once."""
        return 0

    def pause_reading(self) -> None:
        """Only what is given is read."""

    def resume_reading(self) -> None:
        """Only what is given is read."""


class Line:
    """A client's connection, served by `serves_by`; where it is Mina's own, memory's answers come at once."""

    def __init__(
        self, app: Application, serves_by: type[HttpToolsProtocol], path: str = "/", authorization: str = ""
    ) -> None:
        self.serves_by = serves_by
        self._path = path
        self._authorization = authorization
        config = Config(app, http=serves_by, lifespan="off", log_config=None, access_log=False, server_header=False)
        config.load()
        self.state = ServerState()
        kind = type("Connection", (serves_by,), {"knowing": app}) if serves_by is HttpConnection else serves_by
        self.protocol = kind(config, self.state, {})
        self.wire = Wire()
        self.protocol.connection_made(self.wire)

    def request(self, method: str = "GET", version: str = "1.1", **fields: str) -> bytes:
        """One, signed in."""
        given: Mapping[str, str] = {"host": "mina", "authorization": self._authorization, **fields}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
        return f"{method} {self._path} HTTP/{version}\r\n{lines}\r\n".encode()

    def send(self, data: bytes) -> bytes:
        """What is written at once, in the very turn in which `data` came."""
        self.wire.written.clear()
        self.wire.is_written.clear()
        self.protocol.data_received(data)
        return bytes(self.wire.written)

    async def ask(self, data: bytes = b"") -> bytes:
        """The whole answer to one request, whenever it comes."""
        self.send(data or self.request())
        return await self.answered()

    async def answered(self) -> bytes:
        """The same of what was sent."""
        async with asyncio.timeout(60):
            while not self._is_whole():
                self.wire.is_written.clear()
                await self.wire.is_written.wait()
        # The server has yet to see that its answer was the last of it.
        await asyncio.sleep(0)
        return bytes(self.wire.written)

    def _is_whole(self) -> bool:
        head, end, body = bytes(self.wire.written).partition(b"\r\n\r\n")
        lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
        return bool(end) and (not lengths or len(body) >= int(lengths[0]))
