"""cashews on Redis as its pages on FastAPI show; `BENCH_CASHEWS` is plain, client_side, or lock."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cashews import cache
from fastapi import FastAPI

from benchmarks.speed.servers.fastapi_app import Page, User, an_app
from benchmarks.speed.servers.page import loaded_page

MODE = os.environ["BENCH_CASHEWS"]

cache.setup(os.environ["BENCH_REDIS_URL"], client_side=MODE == "client_side")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Redis, for as long as the application runs."""
    await cache.init()
    yield
    await cache.close()


app = an_app(lifespan)


@app.get("/page", response_model=Page)
@cache(ttl="1h", key="page:{user}:{page}", lock=MODE == "lock")
async def get_page(user: User, page: int = 1) -> Any:
    """A page."""
    return await loaded_page(page)
