"""Sending an answer that is ready: in one write where uvicorn serves us, else by the two messages of ASGI."""

from typing import Any

from starlette.types import Send

from mina_api.cache.fastapi.shortcuts import Rendering

try:
    from uvicorn.protocols.http.httptools_impl import STATUS_LINE
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle as Cycle
except ImportError:  # uvicorn without httptools, or no uvicorn at all: by ASGI's messages then
    STATUS_LINE: dict[int, bytes] = {}  # type: ignore[no-redef]
    Cycle = None  # type: ignore[assignment,misc]

Headers = list[tuple[bytes, bytes]]

# The server's own headers, which uvicorn makes anew each second, and their bytes.
_server_headers: tuple[Headers | None, bytes] = (None, b"")


async def send_rendering(rendering: Rendering, request_id: bytes, send: Send) -> None:
    """Send it; uvicorn checks each header of a message by two regular expressions, ours need none."""
    cycle = getattr(send, "__self__", None)
    if Cycle is not None and type(cycle) is Cycle and _can_write(cycle):
        _write(cycle, rendering, request_id)
        return
    headers = [*rendering.headers, (b"x-request-id", request_id)]
    await send({"type": "http.response.start", "status": rendering.status, "headers": headers})
    await send({"type": "http.response.body", "body": rendering.body})


def _can_write(cycle: Any) -> bool:
    """Whether nothing is asked of uvicorn but to write: no log, no end of the connection, no waiting."""
    return (
        cycle.keep_alive
        and not cycle.disconnected
        and not cycle.access_log
        and not cycle.response_started
        and not cycle.flow.write_paused
    )


def _write(cycle: Any, rendering: Rendering, request_id: bytes) -> None:
    cycle.response_started = True
    cycle.transport.write(joined(rendering, request_id, cycle.default_headers))
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()


def joined(rendering: Rendering, request_id: bytes, default_headers: Headers) -> bytes:
    """The bytes of an answer in HTTP/1.1, with the headers that uvicorn adds to every one."""
    global _server_headers
    if _server_headers[0] is not default_headers:
        _server_headers = default_headers, b"".join(b"%b: %b\r\n" % header for header in default_headers)
    return b"".join(
        (
            STATUS_LINE[rendering.status],
            _server_headers[1],
            rendering.head,
            b"x-request-id: ",
            request_id,
            b"\r\n\r\n",
            rendering.body,
        )
    )
