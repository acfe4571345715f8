"""Requests made again by the application itself."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from fastapi.security import HTTPBearer

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

    @pytest.mark.parametrize(("user", "why"), [("gone", "nobody may"), ("nobody", "answered 401")])
    async def test_fails_where_who_asked_may_not_any_more(self, user: str, why: str) -> None:
        app = FastAPI()
        app.include_router(router)
        asked = RecordedRequest("/hello/x", "", user, None, None)

        with pytest.raises(WarmingFailed, match=why):
            await Repeater(app, as_themselves)(json.dumps(asdict(asked)))
