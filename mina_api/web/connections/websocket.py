"""WebSockets by uvicorn and `websockets`, bounded before an endpoint sees a message."""

from asyncio import BaseTransport
from typing import Any

from uvicorn._types import ASGIReceiveEvent
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode, Frame

from mina_api.web.connections.limits import ConnectionLimits
from mina_api.web.connections.watch import Sending, Wait, watch_of

# A read of 256 KB can hold 40,000 frames, a third of a second of work.
TURN_BYTES = 4 * 1024
# Between two looks, which are a second apart.
MOST_PINGS = 1_000
# Of one message, which has 256 KB at the most; empty ones have no size that would be limited.
MOST_FRAGMENTS = 1_000


class WebSocketConnection(WebSocketsSansIOProtocol):
    """A client's WebSocket; `limits` are those of its worker."""

    __slots__ = ("_has_turn", "_held", "_pings", "_sending", "_wait", "_watch")
    limits = ConnectionLimits()

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self._watch = watch_of(server_state, self.loop)
        self._held = bytearray()
        self._has_turn = False
        self._pings = 0
        self._wait = Wait()
        self._sending = Sending()

    def connection_made(self, transport: BaseTransport) -> None:
        """Take the connection over from HTTP."""
        super().connection_made(transport)
        self._watch.begin()

    def data_received(self, data: bytes) -> None:
        """Parse it piece by piece, in turns with other connections, and no further than to the next message."""
        self._held += data
        self._parse()

    def _parse(self) -> None:
        if self._held and self._may_go_on():
            piece = bytes(self._held[:TURN_BYTES])
            del self._held[:TURN_BYTES]
            super().data_received(piece)
        self._steer()

    def _may_go_on(self) -> bool:
        """Whether the endpoint has taken what came, and the client what it was sent."""
        return not self.read_paused and self.writable.is_set() and not self.transport.is_closing()

    def _steer(self) -> None:
        """Read on, or not, or parse what has been read when it is our turn again."""
        if self.transport.is_closing():
            self._held.clear()
        elif self._held or not self._may_go_on():
            self.transport.pause_reading()
            if self._may_go_on() and not self._has_turn:
                self._has_turn = True
                self.loop.call_soon(self._take_turn)
        else:
            self.transport.resume_reading()

    def _take_turn(self) -> None:
        self._has_turn = False
        self._parse()

    async def receive(self) -> ASGIReceiveEvent:
        """The next message."""
        message = await super().receive()
        self._steer()
        return message

    def handle_ping(self) -> None:
        """Answer it, unless nothing else is sent."""
        self._pings += 1
        if self._pings > MOST_PINGS:
            self.conn.fail(CloseCode.POLICY_VIOLATION, "too many pings")
            self.handle_parser_exception()
        elif not self.close_sent:
            super().handle_ping()

    def handle_cont(self, event: Frame) -> None:
        """A fragment more."""
        if self.close_sent:
            return
        if len(self.frames) >= MOST_FRAGMENTS:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def pause_writing(self) -> None:
        """Who does not read what they are sent, pongs too, is not read from."""
        super().pause_writing()
        self._steer()

    def resume_writing(self) -> None:
        """The client takes what it is sent."""
        self._sending.drain()
        super().resume_writing()
        self._steer()

    def look(self, now: float) -> None:
        """End it where the client has been waited for too long."""
        limits, self._pings = self.limits, 0
        if self._sending.is_over(now, self.transport.get_write_buffer_size(), limits.send_seconds, limits.least_bytes):
            self.transport.abort()
        elif self.handshake_complete:
            self._wait.end()
        elif self._wait.is_over(now, self, 0, limits.head_seconds, 1):
            self.transport.abort()
