"""What a request's head may say: rules of RFC 9112 that uvicorn and httptools leave to others."""

from collections.abc import Sequence

from mina_api.web.connections.refusal import Refused

Headers = Sequence[tuple[bytes, bytes]]

MALFORMED = "This is no HTTP/1.1 request."
# What `websockets` takes of a handshake; it does not answer one that has more.
MOST_HANDSHAKE_LINE = 8_000


def check_fields(version: str, headers: Headers) -> None:
    """Some fields may be there once (section 3.2), some have one value (section 6.1); raises Refused."""
    names = [name for name, _ in headers]
    codings = [value.strip(b" \t").lower() for name, value in headers if name == b"transfer-encoding"]
    if version not in ("1.0", "1.1"):
        raise Refused(400, MALFORMED)
    if names.count(b"host") > 1 or (version == "1.1" and b"host" not in names):
        raise Refused(400, "There is no Host, or more than one.")
    if names.count(b"authorization") > 1:
        raise Refused(400, "There is more than one Authorization.")
    if codings and (codings != [b"chunked"] or version == "1.0"):
        raise Refused(400, "Of the transfer codings only `chunked` is known here, and none in HTTP/1.0.")


def check_handshake(target: bytes, headers: Headers) -> None:
    """A WebSocket's handshake has no body and no long line; raises Refused."""
    if any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers):
        raise Refused(400, "A WebSocket's handshake has no body.")
    if any(len(name) + len(value) > MOST_HANDSHAKE_LINE for name, value in headers):
        raise Refused(431, "A field is too long for a WebSocket's handshake.")
    if len(target) > MOST_HANDSHAKE_LINE:
        raise Refused(414, "The target is too long for a WebSocket's handshake.")
