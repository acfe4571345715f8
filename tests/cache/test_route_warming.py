"""Requests made again by the application itself."""

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from fastapi.security import HTTPBearer
from starlette.types import ASGIApp, Receive, Scope, Send

from mina_api.cache.fastapi import (
    CachedRoute,
    Identity,
    RecordedRequest,
    Repeater,
    WarmingFailed,
    cache_response,
    identify,
)
from tests.cache.services import a_cache

router = APIRouter(route_class=CachedRoute)
bearer = HTTPBearer()
loads: list[str] = []


async def a_viewer(request: Request, credentials: Annotated[object, Depends(bearer)]) -> str:
    name = str(getattr(credentials, "credentials", ""))
    if name == "nobody":
        raise HTTPException(401)
    identify(request, Identity(name, "ws:1"))
    return name


@router.get("/hello/{whom}")
@cache_response(ttl=60)
async def hello(whom: str, viewer: Annotated[str, Depends(a_viewer)], q: str = "") -> str:
    loads.append(f"{viewer} {whom} {q}")
    return f"{viewer} {whom} {q}"


@router.get("/translated")
@cache_response(ttl=60, shared=True)
async def translated(accept_language: Annotated[str, Header()] = "en") -> str:
    return accept_language


async def as_themselves(recorded: RecordedRequest) -> Mapping[str, str] | None:
    return {"Authorization": f"Bearer {recorded.user_id}"} if recorded.user_id != "gone" else None


class Attentive:
    """Serves for as long as the client is there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        serving = asyncio.ensure_future(self._app(scope, receive, send))
        leaving = asyncio.ensure_future(receive())
        await asyncio.wait((serving, leaving), return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        await serving


class TestRepeater:
    async def test_fills_the_cache_with_what_was_asked_for(self, valkey_url: str) -> None:
        app = FastAPI()
        app.include_router(router)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            async with a_cache(valkey_url) as app.state.cache:
                for name in ("ann", "bob"):
                    headers = {"Authorization": f"Bearer {name}"}
                    await client.get("/hello/J%C3%B6rg%3FX?q=%26+ä", headers=headers)
                await client.get("/translated")
                await app.state.cache.clear_prefix("temp")
            loads.clear()
            async with a_cache(valkey_url) as app.state.cache:
                done = await app.state.cache.warm(Repeater(app, as_themselves))
                warmed = list(loads)
                answer = await client.get("/hello/J%C3%B6rg%3FX?q=%26+ä", headers={"Authorization": "Bearer ann"})

        assert (done.answered, done.failed) == (2, 0)
        assert (sorted(warmed), loads) == ([f"{name} Jörg?X & ä" for name in ("ann", "bob")], warmed)
        assert answer.headers["cache-status"].startswith("mina; hit")

    async def test_goes_through_middleware_that_waits_for_the_client_to_go_away(self, valkey_url: str) -> None:
        app = FastAPI()
        app.include_router(router)
        app.add_middleware(Attentive)
        asked = RecordedRequest("/hello/x", "", "ann", None, None)
        async with a_cache(valkey_url) as app.state.cache:
            assert await Repeater(app, as_themselves)(json.dumps(asked._asdict())) == 200

    @pytest.mark.parametrize(("user", "why"), [("gone", "nobody may"), ("nobody", "answered 401")])
    async def test_fails_where_who_asked_may_not_any_more(self, user: str, why: str) -> None:
        app = FastAPI()
        app.include_router(router)
        asked = RecordedRequest("/hello/x", "", user, None, None)

        with pytest.raises(WarmingFailed, match=why):
            await Repeater(app, as_themselves)(json.dumps(asked._asdict()))
