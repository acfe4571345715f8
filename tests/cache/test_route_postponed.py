"""Endpoints of a module whose annotations are strings (PEP 563): marks leave what FastAPI resolves them by alone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel

from mina_api.cache.fastapi import CachedRoute, Invalidation, TagContext, cache_response, invalidate_cache
from tests.cache.conftest import Serving


class Item(BaseModel):
    name: str
    days: int


Days = Annotated[int, Query(ge=1, le=30)]


def item_tag(context: TagContext) -> str:
    return f"item:{context.params['name']}"


class Items:
    """Cached and writing endpoints, and how often the first was run."""

    def __init__(self) -> None:
        self.calls = 0
        self.router = router = APIRouter(route_class=CachedRoute)

        @router.get("/items/{name}")
        @cache_response(ttl=60, shared=True, tags=[item_tag])
        async def get_item(name: str, days: Days = 7) -> Item:
            self.calls += 1
            return Item(name=name, days=days)

        @router.get("/sync/{name}")
        @cache_response(ttl=60, shared=True, tags=[item_tag])
        def get_item_in_a_thread(name: str, days: Days = 7) -> Item:
            self.calls += 1
            return Item(name=name, days=days)

        @router.put("/items/{name}")
        @invalidate_cache(tags=[item_tag])
        async def put_item(name: str, item: Annotated[Item, Body()], invalidation: Invalidation) -> Item:
            invalidation.add("items")
            return item


class TestPostponedAnnotations:
    async def test_are_resolved_validated_and_keyed(self, serving: Serving) -> None:
        items = Items()
        async with serving(items.router) as client:
            for path in ("/items/a", "/sync/a"):
                answers = [await client.get(f"{path}{query}") for query in ("", "?days=7", "?days=8", "?days=31")]

                assert [answer.status_code for answer in answers] == [200, 200, 200, 422]
                assert [answer.json() for answer in answers[:3]] == [{"name": "a", "days": days} for days in (7, 7, 8)]
                assert answers[1].headers["cache-status"].startswith("mina; hit")
        assert items.calls == 4

    async def test_of_a_writing_endpoint_too(self, serving: Serving) -> None:
        items = Items()
        async with serving(items.router) as client:
            await client.get("/items/a")
            wrong = await client.put("/items/a", json={"name": "a"})
            await client.get("/items/a")
            written = await client.put("/items/a", json={"name": "a", "days": 1})
            await client.get("/items/a")

        assert (wrong.status_code, written.json(), items.calls) == (422, {"name": "a", "days": 1}, 2)
