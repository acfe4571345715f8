"""FastAPI with the least that can be called a cache in Redis: one GET, and after a miss one SET.

Nothing is invalidated, locked, compressed, validated or recovered; what it costs more than FastAPI itself is what two
commands cost.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import TypeAdapter

from benchmarks.speed.servers.fastapi_app import Page, User, an_app
from benchmarks.speed.servers.multiplexed import Multiplexed
from benchmarks.speed.servers.page import JSON_TYPE, page_of

PAGES = TypeAdapter(Page)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Redis, for as long as the application runs."""
    app.state.redis = connection = await Multiplexed.connect(os.environ["BENCH_REDIS_URL"])
    yield
    connection.close()


app = an_app(lifespan)


@app.get("/page", response_model=Page)
async def get_page(request: Request, user: User, page: int = 1) -> Any:
    """A page."""
    redis: Multiplexed = request.app.state.redis
    key = f"page:{user}:{page}".encode()
    body = await redis.command(b"GET", key)
    if not isinstance(body, bytes):
        body = PAGES.dump_json(PAGES.validate_python(page_of(page)))
        await redis.command(b"SET", key, body)
    return Response(body, media_type=JSON_TYPE)
