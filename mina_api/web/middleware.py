"""Pure-ASGI middleware: request ids, the access log, HEAD."""

import time

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mina_api.web import access_log, timing
from mina_api.web.request_ids import request_id


class RequestContext:
    """Echoes or makes `X-Request-ID`, binds it to the log, and says in `Server-Timing` and in one line how it went."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._sampling = access_log.Sampling()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), None)
        own_id = request_id(given).decode()
        spent = timing.begin()
        started = time.perf_counter()
        status, cache = 500, None

        async def send_with_id(message: Message) -> None:
            nonlocal status, cache
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = own_id
                cache_seconds: float = scope.get("state", {}).get("cache_seconds", 0.0)
                headers["Server-Timing"] = spent.header(cache_seconds).decode()
                cache = headers.get("cache-status")
            await send(message)

        with structlog.contextvars.bound_contextvars(
            request_id=own_id, request=f"{scope['method']} {scope['path']}", user=None
        ):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                if lines := self._sampling.stands_for(status, cache):
                    access_log.note(
                        method=scope["method"],
                        path=scope["path"],
                        status=status,
                        seconds=time.perf_counter() - started,
                        cache=cache,
                        stands_for=lines,
                    )


class HeadFromGet:
    """Answers HEAD as GET would, without the body (RFC 9110 section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_without_body)
