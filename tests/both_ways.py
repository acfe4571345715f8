"""A client's transport that asks again for what a shortcut has answered, the long way and as a connection of Mina's
own would: all must come to the same.

Where time goes on meanwhile they may differ, so it does so only under a clock that stands.
"""

from collections.abc import Iterable

import httpx
from fastapi import FastAPI

from mina_api.cache.testing import FakeClock
from mina_api.web.application import Application

# Made anew for each request.
OWN = frozenset((b"x-request-id", b"server-timing"))


class BothWays(httpx.ASGITransport):
    """Requests to one application; raises AssertionError where the fast path and the slow one differ."""

    def __init__(self, app: FastAPI, address: str) -> None:
        super().__init__(app, raise_app_exceptions=False, client=(address, 1))
        self._application = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, whichever way it came."""
        shortcuts = getattr(self._application.state, "shortcuts", None)
        stands = isinstance(getattr(self._application.state, "clock", None), FakeClock)
        if shortcuts is None or request.method != "GET" or not stands:
            return await super().handle_async_request(request)
        before = shortcuts.answered
        answer = await super().handle_async_request(request)
        # Others may have been answered meanwhile.
        if shortcuts.answered == before or not answer.headers.get("cache-status", "").startswith("mina; hit"):
            return answer
        target, fields = request.url.raw_path, {name.lower(): value for name, value in request.headers.raw}
        at_once = self._application.at_once(target, fields) if isinstance(self._application, Application) else None
        self._application.state.shortcuts = None
        try:
            again = await super().handle_async_request(request)
        finally:
            self._application.state.shortcuts = shortcuts
        short, long = await answer.aread(), await again.aread()
        assert (answer.status_code, short) == (again.status_code, long), str(request.url)
        assert _lasting(answer.headers.raw) == _lasting(again.headers.raw), str(request.url)
        if at_once is not None:
            known, _ = at_once
            decoded = httpx.Response(known.status, headers=known.headers, content=known.body)
            assert (decoded.status_code, decoded.content) == (answer.status_code, short), str(request.url)
            assert _lasting(known.headers) == _lasting(answer.headers.raw), str(request.url)
        return answer


def _lasting(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers but those made anew; a lease that has just run out makes an answer of memory one of Redis."""
    return sorted(
        (name.lower(), value.replace(b"detail=l2", b"detail=l1")) for name, value in headers if name.lower() not in OWN
    )
