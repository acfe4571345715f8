"""A client's transport that asks again, the long way, for what a shortcut has answered: both must come to the same.

Where time goes on meanwhile they may differ, so it does so only under a clock that stands.
"""

from collections.abc import Iterable

import httpx
from fastapi import FastAPI

from mina_api.cache.testing import FakeClock

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
        if shortcuts.answered == before:
            return answer
        self._application.state.shortcuts = None
        try:
            again = await super().handle_async_request(request)
        finally:
            self._application.state.shortcuts = shortcuts
        short, long = await answer.aread(), await again.aread()
        assert (answer.status_code, short) == (again.status_code, long), str(request.url)
        assert _lasting(answer.headers.raw) == _lasting(again.headers.raw), str(request.url)
        return answer


def _lasting(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers but those made anew; a lease that has just run out makes an answer of memory one of Redis."""
    return sorted(
        (name.lower(), value.replace(b"detail=l2", b"detail=l1")) for name, value in headers if name.lower() not in OWN
    )
