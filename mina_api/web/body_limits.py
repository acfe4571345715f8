"""A limit on request bodies (RFC 9110 section 15.5.14), kept while they are read: a larger one is never held whole.

None is decoded: few bytes of gzip are many of JSON (415, section 8.4).

Starlette has such a middleware, which answers 413 in plain text, also in the place of a 401.
"""

from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEFAULT_BYTES = 1024 * 1024
CODED = "No Content-Encoding is decoded here: send the body as it is."


@dataclass(slots=True)
class BodyLimit:
    """The most bytes that this request's body may have; an endpoint may raise it before it reads."""

    max_bytes: int


class LimitBodies:
    """Raises HTTPException to who reads of a body: 413 beyond its limit, at once if it is announced; 415 if coded."""

    def __init__(self, app: ASGIApp, max_bytes: int = DEFAULT_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = BodyLimit(self._max_bytes)
        scope.setdefault("state", {})["body_limit"] = limit
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "")
        is_coded = any(coding.lower() not in ("", "identity") for coding in headers.getlist("content-encoding"))
        announced_bytes = int(announced) if announced.isdecimal() else 0
        read_bytes = 0

        async def receive_within_limit() -> Message:
            nonlocal read_bytes
            if announced_bytes > limit.max_bytes:
                raise _too_large(limit)
            if is_coded:
                raise HTTPException(415, CODED, {"Accept-Encoding": "identity"})
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > limit.max_bytes:
                raise _too_large(limit)
            return message

        await self._app(scope, receive_within_limit, send)


def allow_body(request: Request, max_bytes: int) -> None:
    """Let this request's body, not read yet, have up to `max_bytes`."""
    limit: BodyLimit = request.state.body_limit
    limit.max_bytes = max_bytes


def _too_large(limit: BodyLimit) -> HTTPException:
    # Not one of Mina's own failures: FastAPI lets only this kind through its reading of a body.
    return HTTPException(
        413, f"The body is larger than {limit.max_bytes / 1024 / 1024:g} MB, the most that is read here."
    )
