"""The cache that one would write by hand for this one page: Starlette, the token verified, bytes by key.

`BENCH_HANDWRITTEN` is pooled (redis-py's GET), multiplexed, or dict (in process).
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from redis import asyncio as aioredis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from benchmarks.speed.servers import page
from benchmarks.speed.servers.multiplexed import Multiplexed
from benchmarks.speed.servers.page import JSON_TYPE, Unauthorized, body_of, page_of, settle, verified_user

MODE = os.environ["BENCH_HANDWRITTEN"]

Get = Callable[[str], Awaitable[object]]
Set = Callable[[str, bytes], Awaitable[object]]


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """The store, for as long as the application runs."""
    url = os.environ["BENCH_REDIS_URL"]
    settle()
    if MODE == "pooled":
        async with aioredis.from_url(url) as redis:
            app.state.get, app.state.set = redis.get, redis.set
            yield
    elif MODE == "multiplexed":
        connection = await Multiplexed.connect(url)
        app.state.get = lambda key: connection.command(b"GET", key.encode())
        app.state.set = lambda key, body: connection.command(b"SET", key.encode(), body)
        yield
        connection.close()
    else:
        kept: dict[str, bytes] = {}

        async def get(key: str) -> object:
            return kept.get(key)

        async def put(key: str, body: bytes) -> object:
            return kept.setdefault(key, body)

        app.state.get, app.state.set = get, put
        yield


async def get_page(request: Request) -> Response:
    """A page."""
    try:
        user = verified_user(request.headers.get("authorization"))
    except Unauthorized:
        return Response(status_code=401)
    number = int(request.query_params["page"])
    key = f"page:{user}:{number}"
    get: Get = request.app.state.get
    found = await get(key)
    if isinstance(found, bytes):
        return Response(found, media_type=JSON_TYPE)
    page_of(number)
    body = body_of(number)
    put: Set = request.app.state.set
    await put(key, body)
    return Response(body, media_type=JSON_TYPE)


async def get_loads(_: Request) -> Response:
    """How many pages were made."""
    return PlainTextResponse(str(page.loads))


app = Starlette(routes=[Route("/page", get_page), Route("/loads", get_loads)], lifespan=lifespan)
