"""A small application whose hits are answered before any routing, as a program of one's own would have it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from starlette.types import Receive, Scope, Send

from mina_api.cache.fastapi import (
    Cache,
    CachedRoute,
    Identity,
    Invalidation,
    Shortcuts,
    TagContext,
    Voucher,
    cache_response,
    identify,
)
from mina_api.cache.fastapi.shortcuts import fields_of, target_of
from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock
from tests.cache.services import a_cache, complete_register, until

OWN_HEADER = (b"server-timing", b"cache")
TOKEN_SECONDS = 300.0


class ShortFastAPI(FastAPI):
    """FastAPI that asks the shortcuts first."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] == "http" and (shortcuts := getattr(self.state, "shortcuts", None)) is not None:
            fields = fields_of(scope["headers"]) if scope["method"] == "GET" else None
            found = shortcuts.find(target_of(scope), fields) if fields is not None else None
            if found is not None and (rendering := await shortcuts.render(found)) is not None:
                start = {"type": "http.response.start", "status": rendering.status, "headers": rendering.headers}
                await send(start)
                await send({"type": "http.response.body", "body": rendering.body})
                return
        await super().__call__(scope, receive, send)


class Program:
    """What the application knows: texts that are written, who may come in, and how often each was read."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.users = {"ada", "bob"}
        self.text = "a"
        self.loads = 0
        self.vouches = True
        self.day = "monday"

    async def who(self, request: Request, cache: Cache) -> str:
        """The user whose name is the token, as the cache has them."""
        name = request.headers.get("authorization", "").removeprefix("Bearer ")

        async def load() -> bool:
            return name in self.users

        seen = await cache.get_or_load_seen(f"who:{name}", load, CachePolicy(600, tags=(f"who:{name}",)))
        if not seen.value:
            raise HTTPException(401)
        until_seconds = self.clock.now() + TOKEN_SECONDS
        voucher = Voucher(seen.name, seen.entry, until_seconds) if self.vouches else None
        identify(request, Identity(name, "ws:1", seen=seen.vintage, voucher=voucher))
        return name

    def router(self) -> APIRouter:
        """Its endpoints."""
        router = APIRouter(route_class=CachedRoute)

        def day(_: TagContext) -> str:
            return self.day

        @router.get("/text")
        @cache_response(ttl=60, tags=["text"])
        async def get_text(user: Annotated[str, Depends(self.who)], part: int = 0) -> dict[str, Any]:
            self.loads += 1
            return {"user": user, "part": part, "text": self.text}

        @router.get("/public")
        @cache_response(ttl=60, shared=True, tags=["text"])
        async def get_public() -> dict[str, str]:
            self.loads += 1
            return {"text": self.text}

        @router.get("/today")
        @cache_response(ttl=60, shared=True, vary={"day": day})
        async def get_today() -> dict[str, str]:
            self.loads += 1
            return {"day": self.day}

        @router.put("/text/{text}")
        async def put_text(text: str, invalidation: Invalidation) -> None:
            self.text = text
            invalidation.add("text")

        return router


class Served:
    """The program as it is served: its client, its cache and its shortcuts."""

    def __init__(self, program: Program, app: ShortFastAPI, client: httpx.AsyncClient, shortcuts: Shortcuts) -> None:
        self.program = program
        self.client = client
        self.shortcuts = shortcuts
        self.cache: CacheService = app.state.cache

    async def get(self, path: str, user: str | None = "ada", **headers: str) -> httpx.Response:
        """An answer, whichever way it comes."""
        authorization = {"Authorization": f"Bearer {user}"} if user is not None else {}
        return await self.client.get(path, headers={**authorization, **headers})

    async def shortened(self, path: str, user: str | None = "ada", **headers: str) -> httpx.Response:
        """The first answer that comes the short way."""
        found: list[httpx.Response] = []

        async def is_short() -> bool:
            before = self.shortcuts.answered
            found[:] = [await self.get(path, user, **headers)]
            return self.shortcuts.answered > before

        await until(is_short)
        return found[0]

    async def comes_the_long_way(self, get: Callable[[], Any]) -> bool:
        """Whether what `get` asks for is not answered by a shortcut."""
        before = self.shortcuts.answered
        await get()
        return self.shortcuts.answered == before


@asynccontextmanager
async def served(url: str, *, max_bytes: int = 1_000_000, **options: Any) -> AsyncIterator[Served]:
    """The program over the Valkey at `url`, answering from memory unless `memory_bytes` is 0."""
    clock = FakeClock()
    program = Program(clock)
    app = ShortFastAPI()
    app.include_router(program.router())
    chosen: dict[str, Any] = {"memory_bytes": 1_000_000, "memory_lease_seconds": 30.0, **options}
    async with a_cache(url, clock=clock, chance=lambda: 0.0, **chosen) as cache:
        app.state.cache = cache
        app.state.shortcuts = shortcuts = Shortcuts(cache, max_bytes, (OWN_HEADER,))
        if chosen["memory_bytes"]:
            await until(lambda: cache.serves_from_memory)
        await complete_register(url)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Served(program, app, client, shortcuts)
