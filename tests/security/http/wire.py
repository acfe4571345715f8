"""HTTP as bytes: what a client library would not send, and all answers that come back."""

import re
import socket
from dataclasses import dataclass

from mina_api.web.connections.limits import ConnectionLimits
from tests.system.serving import DEADLINE_SECONDS, Serving

HOST = b"Host: mina.test\r\n"
# Ends the connection where the server reads it as a request; its answer is the last.
LAST = b"GET /ops/health/live HTTP/1.1\r\nHost: mina.test\r\nConnection: close\r\n\r\n"
LIMITS = ConnectionLimits()


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


def request(
    target: bytes = b"/api/meetings/",
    *fields: bytes,
    method: bytes = b"GET",
    version: bytes = b"HTTP/1.1",
    host: bytes = HOST,
    body: bytes | None = None,
) -> bytes:
    """A request; with a body, also its length and JSON's media type."""
    lines = b"".join(field + b"\r\n" for field in fields)
    if body is not None:
        lines += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    return b"%b %b %b\r\n%b%b\r\n%b" % (method, target, version, host, lines, body or b"")


def connected(address: str, seconds: float = DEADLINE_SECONDS) -> socket.socket:
    """A connection to `http://host:port`."""
    host, _, port = address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), seconds)


def exchange(
    server: Serving | str, *pieces: bytes, patience: float = DEADLINE_SECONDS, begins_with_head: bool = False
) -> list[Answer]:
    """All answers to `pieces` until the server closes, or has said nothing for so long."""
    with connected(server if isinstance(server, str) else server.url, patience) as connection:
        received = bytearray()
        try:
            for piece in pieces:
                connection.sendall(piece)
            while chunk := connection.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionError):
            pass
    return answers(bytes(received), begins_with_head=begins_with_head)


def answers(received: bytes, *, begins_with_head: bool = False) -> list[Answer]:
    """The responses in what was received; the last may be cut off. Interim ones (1xx) are left out."""
    found: list[Answer] = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [^\r\n]*", first)
        assert match, received[:200]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        assert "transfer-encoding" not in headers, "what is asked for here has a length"
        length = int(headers.get("content-length", 0))
        if (begins_with_head and not found) or match[1] == "304":
            length = 0
        if not match[1].startswith("1"):
            found.append(Answer(int(match[1]), headers, rest[:length]))
        received = rest[length:]
    return found


def statuses(found: list[Answer]) -> list[int]:
    """Their statuses, in order."""
    return [each.status for each in found]
