"""HTTP/1.1 by uvicorn and httptools, with RFC 9112's rules that they leave to others, and limits.

A request that is refused is answered in its turn, then the connection ends: what follows it has no sure beginning.
"""

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mina_api.logs import get_logger
from mina_api.web.connections.at_once import Knowing, is_answered
from mina_api.web.connections.heads import MALFORMED, check_fields, check_handshake
from mina_api.web.connections.limits import PIECE_BYTES, ConnectionLimits
from mina_api.web.connections.refusal import Refused
from mina_api.web.connections.watch import Sending, Wait, watch_of

logger = get_logger(__name__)

# Read, but not parsed yet: one that sends on and on without waiting for an answer is cut off.
MOST_HELD_BYTES = 1024 * 1024
HTTP_1_1 = b" HTTP/1.1"


class HttpConnection(HttpToolsProtocol):
    """A client's connection; `limits` are those of its worker, `knowing` has answers that need not be run."""

    # Beside uvicorn's 28 attributes: beyond 30, CPython 3.11 shares no keys among objects.
    __slots__ = (
        "_ahead", "_body_bytes", "_head_bytes", "_headed", "_held", "_is_1_1", "_refusal", "_sending", "_wait",
    )  # fmt: skip
    limits = ConnectionLimits()
    knowing: Knowing | None = None
    # The last request whose head was taken; None before the first, which uvicorn's type does not say.
    cycle: RequestResponseCycle | None  # type: ignore[assignment]

    def connection_made(self, transport: Any) -> None:
        """Serve, unless there are too many already."""
        super().connection_made(transport)
        # The request that is answered while others wait.
        self._ahead: RequestResponseCycle | None = None
        # Whether the next head is of HTTP/1.1 for sure.
        self._is_1_1 = False
        self._held = bytearray()
        self._head_bytes = 0
        self._body_bytes = 0
        # The scope of the request whose head was completed last.
        self._headed: object = None
        self._refusal: Refused | None = None
        self._wait = Wait()
        self._sending = Sending()
        watch_of(self.server_state, self.loop).begin()
        if len(self.connections) > self.limits.connections:
            self._answer(Refused(503, "More connections are open than are served at once."))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is being answered, and not only the last that came."""
        if (running := self._running()) is not None:
            running.disconnected = True
            running.message_event.set()
        self._held.clear()
        self.pipeline.clear()
        super().connection_lost(exc)

    # What comes in

    def data_received(self, data: bytes) -> None:
        """Parse it; piece by piece if it is much, and no further than to a second request that waits."""
        if self._held or self.pipeline or len(data) > PIECE_BYTES:
            self._unset_keepalive_if_required()
            self._held += data
            self._parse_held()
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        newest = self.cycle
        if not self._head_bytes and (newest is None or not newest.more_body):
            # A request begins here. httptools makes a string of the version whenever it is asked for it.
            end = data.find(b"\r\n")
            self._is_1_1 = end > len(HTTP_1_1) and data.startswith(HTTP_1_1, end - len(HTTP_1_1))
        self._parse(data)

    def _parse_held(self) -> None:
        while self._held and not self.pipeline and self._is_open():
            piece = bytes(self._held[:PIECE_BYTES])
            del self._held[:PIECE_BYTES]
            self._is_1_1 = False
            self._parse(piece)
        if len(self._held) > MOST_HELD_BYTES:
            self.transport.abort()
        elif self._held and self._is_open():
            self.flow.pause_reading()

    def _running(self) -> RequestResponseCycle | None:
        """The request that is being answered, or was last."""
        return self._ahead if self._ahead is not None and not self._ahead.response_complete else self.cycle

    def _is_open(self) -> bool:
        """Whether more is taken of it: neither closed, nor refused, nor a WebSocket by now."""
        return not self.transport.is_closing() and self._refusal is None and self.transport.get_protocol() is self

    def _parse(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as failure:
            self._failed(failure, piece)
            return
        if self._headed is not self.scope or self._head_bytes:
            self._measure_head(piece)

    def _failed(self, failure: Exception, piece: bytes) -> None:
        if isinstance(failure, httptools.HttpParserUpgrade):
            self._upgrade(piece[failure.args[0] :])
            return
        cause = failure.__context__
        self._refuse(cause if isinstance(cause, Refused) else Refused(400, MALFORMED))

    def _measure_head(self, piece: bytes) -> None:
        if self._headed is self.scope:
            self._head_bytes = 0
            return
        self._head_bytes += len(piece)
        if self._head_bytes > self.limits.head_bytes:
            self._refuse(Refused(431 if self.headers else 414, "The request's head is too long."))

    def on_headers_complete(self) -> None:
        """Begin to answer, if this is a request; what every one has is seen without a look at each field."""
        headers = self.headers
        fields = dict(headers)
        is_1_1, self._is_1_1 = self._is_1_1, False
        is_plain = is_1_1 and len(fields) == len(headers) and b"host" in fields and b"transfer-encoding" not in fields
        if not is_plain:
            check_fields(self.parser.get_http_version(), headers)
        if len(headers) > self.limits.head_fields:
            raise Refused(431, f"There are more than {self.limits.head_fields} fields.")
        self._headed = self.scope
        newest = self.cycle
        is_next = newest is None or newest.response_complete
        knowing = self.knowing if is_plain and is_next and not self.pipeline else None
        if knowing is not None and is_answered(self, knowing, fields):
            return
        if self.parser.should_upgrade():
            self._check_upgrade()
            return
        if not is_next and not self.pipeline:
            self._ahead = newest
        HttpToolsProtocol.on_headers_complete(self)

    def on_body(self, body: bytes) -> None:
        """Hand it on; of what is answered already, nothing."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is complete, also that of a request which is answered already."""
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope:
            cycle.more_body = False
            cycle.message_event.set()

    # Upgrades

    def _check_upgrade(self) -> None:
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise Refused(400, "This is no proxy.")
        self.scope["method"] = method.decode()
        if self._should_upgrade():
            check_handshake(self.url, self.headers)
            newest = self.cycle
            if newest is not None and not newest.response_complete:
                raise Refused(400, "A WebSocket's handshake waits for the answers before it.")

    def _upgrade(self, rest: bytes) -> None:
        """Become a WebSocket; no other protocol is spoken here: go on as if nothing was asked (RFC 9110 section 7.8).

        llhttp takes what asks for an upgrade to have no body, and what follows its head for the other protocol.
        """
        if not self._should_upgrade():
            version = self.parser.get_http_version().encode()
            lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
            lines += [b"%b: %b" % each for each in self.headers if each[0] != b"upgrade"]
            self.parser = httptools.HttpRequestParser(self)
            self._is_1_1 = False
            self._parse(b"\r\n".join((*lines, b"", rest)))
        elif rest or self._held:
            self._refuse(Refused(400, "A WebSocket's frames come after its handshake."))
        else:
            self.handle_websocket_upgrade()

    # What goes out

    def on_response_complete(self) -> None:
        """Go on with what came meanwhile."""
        if not self.pipeline and not self._held and self._refusal is None:
            HttpToolsProtocol.on_response_complete(self)
            return
        if self.pipeline:
            self._ahead = self.pipeline[-1][0]
        super().on_response_complete()
        if self._held:
            self._parse_held()
        elif self.pipeline:
            self.flow.pause_reading()
        if self._refusal is not None and not self.pipeline and not self.transport.is_closing():
            self._answer(self._refusal)

    def resume_writing(self) -> None:
        """The client takes what it is sent."""
        self._sending.drain()
        super().resume_writing()

    def _refuse(self, refusal: Refused) -> None:
        """Answer the request that is being read, once those before it are answered."""
        self._held.clear()
        newest = self.cycle
        if newest is not None and newest.scope is self.scope:
            # Its head was taken, its body cannot be.
            if newest is self._running():
                self._interrupt(newest, refusal)
                return
            self.pipeline.popleft()
            newest = self.pipeline[0][0] if self.pipeline else self._running()
        if newest is not None and not newest.response_complete:
            self._refusal = refusal
            self.flow.pause_reading()
        else:
            self._answer(refusal)

    def _interrupt(self, cycle: RequestResponseCycle, refusal: Refused) -> None:
        """Answer a request whose body does not come; its endpoint hears that the client is gone."""
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started:
            self.transport.close()
        else:
            self._answer(refusal)

    def _answer(self, refusal: Refused) -> None:
        logger.info("a connection is ended", status=refusal.status, detail=refusal.detail)
        begun: object = self.scope
        is_head = begun is not None and self.parser.get_method() == b"HEAD"
        self.transport.write(refusal.answer(is_head=is_head))
        self.transport.close()

    # Time

    def look(self, now: float) -> None:
        """End it where the client has been waited for too long."""
        limits, cycle = self.limits, self.cycle
        if self._sending.is_over(now, self.transport.get_write_buffer_size(), limits.send_seconds, limits.least_bytes):
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif cycle is None or cycle.scope is not self.scope:
            if self._is_idle():
                if self._wait.is_over(now, self._headed, 0, self.timeout_keep_alive, 1):
                    self.transport.close()
            elif self._wait.is_over(now, self.scope or self, 0, limits.head_seconds, 1):
                self._end(Refused(408, "The request's head did not come in time."))
        elif not cycle.response_complete:
            if not cycle.more_body or self.flow.read_paused or cycle is not self._running():
                self._wait.end()
            elif self._wait.is_over(now, cycle, self._body_bytes, limits.body_seconds, limits.least_bytes):
                self._interrupt(cycle, Refused(408, "The request's body did not come in time."))
        elif self.timeout_keep_alive_task is not None:
            self._wait.end()
        elif self._wait.is_over(now, self, 0, limits.head_seconds, 1):
            # Between two requests, or in a body whose request is answered already.
            self.transport.close()

    def _is_idle(self) -> bool:
        """Whether the last request was answered at once: uvicorn's own timer would cost every such answer."""
        is_headed = self._headed is not None and self._headed is self.scope
        return is_headed and (self.cycle is None or self.cycle.response_complete)

    def _end(self, refusal: Refused) -> None:
        if self.scope is None:
            self.transport.close()
        else:
            self._refuse(refusal)
