"""Requests to cached endpoints, noted so that they can be made again by the application itself."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from fastapi import Request
from pydantic import TypeAdapter

from mina_api.cache.fastapi.identity import Identity

# Where repeated requests are served; no name of a host.
SERVER = ("warming", 80)

Application = Callable[[Any, Any, Any], Awaitable[None]]


class WarmingFailed(Exception):
    """The application answered a repeated request with an error."""


class RecordedRequest(NamedTuple):
    """A GET that was answered: its raw path and query, and who had asked, by `Identity`."""

    path: str
    query: str
    user_id: str | None
    scope: str | None
    audience: str | None

    def recipe(self) -> str:
        """As one text."""
        return json.dumps(self._asdict(), sort_keys=True)

    @classmethod
    def read(cls, recipe: str) -> "RecordedRequest":
        """What `recipe` wrote; raises ValueError."""
        return _RECORDED.validate_json(recipe)


_RECORDED = TypeAdapter(RecordedRequest)


def recipe_of(request: Request, identity: Identity | None) -> Callable[[], str]:
    """How to make `request` again; written only once it is wanted, since most are never made again."""
    scope = request.scope
    raw_path = scope["raw_path"] if "raw_path" in scope else request.url.path.encode()
    return partial(_recipe, raw_path, scope["query_string"], identity)


def _recipe(raw_path: bytes, query: bytes, identity: Identity | None) -> str:
    whose = (None, None, None) if identity is None else (identity.user_id, identity.scope, identity.audience)
    path = raw_path.decode("latin-1").partition("?")[0]
    return RecordedRequest(path, query.decode("latin-1"), *whose).recipe()


def is_repeated(scope: Mapping[str, Any]) -> bool:
    """Whether a request was made by a Repeater: no server has this name for one that came by the network."""
    return scope.get("server") == SERVER


class Repeater:
    """Makes recorded requests again, without a network; `headers_of` gives what lets them in, None for nobody."""

    def __init__(
        self,
        application: Application,
        headers_of: Callable[[RecordedRequest], Awaitable[Mapping[str, str] | None]],
    ) -> None:
        self._application = application
        self._headers_of = headers_of

    async def __call__(self, recipe: str) -> int:
        """The status of the answer; raises WarmingFailed for an error."""
        recorded = RecordedRequest.read(recipe)
        headers = await self._headers_of(recorded)
        if headers is None:
            raise WarmingFailed(f"nobody may ask for {recorded.path} any more")
        status = await _get(self._application, recorded, headers)
        if status >= 400:
            raise WarmingFailed(f"{recorded.path} answered {status}")
        return status


async def _get(application: Application, recorded: RecordedRequest, headers: Mapping[str, str]) -> int:
    status = 500
    events: list[dict[str, Any]] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        # Nobody goes away: who listens for that waits until its answer is sent.
        return events.pop() if events else await asyncio.get_running_loop().create_future()

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    raw_path = recorded.path.encode("latin-1")
    await application(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": _unquoted(raw_path),
            "raw_path": raw_path,
            "root_path": "",
            "query_string": recorded.query.encode("latin-1"),
            "headers": [(b"host", b"warming"), *((k.lower().encode(), v.encode()) for k, v in headers.items())],
            "client": ("127.0.0.1", 0),
            "server": SERVER,
            "state": {},
        },
        receive,
        send,
    )
    return status


def _unquoted(raw_path: bytes) -> str:
    return unquote_to_bytes(raw_path).decode("utf-8", "replace")
