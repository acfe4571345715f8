"""aiocache on Redis, its decorator on the endpoint and its default serializer for objects."""

import os
from typing import Any
from urllib.parse import urlsplit

from aiocache import Cache, cached
from aiocache.serializers import PickleSerializer

from benchmarks.speed.servers.fastapi_app import Page, User, an_app
from benchmarks.speed.servers.page import loaded_page

address = urlsplit(os.environ["BENCH_REDIS_URL"])
app = an_app()


@app.get("/page", response_model=Page)
@cached(
    ttl=3600,
    cache=Cache.REDIS,
    key_builder=lambda _, user, page: f"page:{user}:{page}",
    serializer=PickleSerializer(),
    endpoint=address.hostname,
    port=address.port,
    password=address.password,
    namespace="main",
)
async def get_page(user: User, page: int = 1) -> Any:
    """A page."""
    return await loaded_page(page)
