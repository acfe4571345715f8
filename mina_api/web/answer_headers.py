"""Header fields that every answer has: what browsers may do with it, and what is left of the limits.

Pages say themselves what they load. The fast path sends the same fields, encoded once (`Shortcuts.own_headers`).
"""

from collections.abc import Sequence

from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mina_api.web.request_limits import RequestLimits

Header = tuple[bytes, bytes]

# An answer that is no page loads nothing, is in no frame, and is no part of another site's page (Fetch, CORP check).
SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# What a page of another origin may read of an answer, beside what it always may.
EXPOSED = (
    *("ETag", "Location", "Age", "Cache-Status", "Content-Disposition", "Idempotency-Replayed", "Retry-After"),
    *("RateLimit", "RateLimit-Policy", "Server-Timing", "WWW-Authenticate", "X-Request-ID"),
)


def security_headers(hsts_seconds: int) -> tuple[Header, ...]:
    """The fields of all answers; Strict-Transport-Security (RFC 6797) among them where `hsts_seconds` is not 0."""
    if not hsts_seconds:
        return SECURITY
    return (*SECURITY, (b"strict-transport-security", b"max-age=%d; includeSubDomains" % hsts_seconds))


class AnswerHeaders:
    """Adds `headers` where an answer has none of that name, and the limits' fields; the outermost middleware."""

    def __init__(self, app: ASGIApp, headers: Sequence[Header], state: State) -> None:
        self._app = app
        self._headers = tuple(headers)
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        # What is noted further in, also by who copies the scope, is found here.
        scope.setdefault("state", {})

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message["headers"] = list(message.get("headers", ()))
                names = {name.lower() for name, _ in given}
                given += (each for each in self._headers if each[0] not in names)
                limits: RequestLimits | None = getattr(self._state, "admission", None)
                if limits is not None:
                    given += limits.fields(scope)
            await send(message)

        await self._app(scope, receive, send_with_headers)
