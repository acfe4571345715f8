"""Every cached endpoint of Mina's is served by a plan of its own, and not by FastAPI's handler."""

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from mina_api.cache.fastapi.route import DIRECT
from mina_api.cache.marks import CACHED


def test_every_cached_endpoint_is_served_directly(app: FastAPI) -> None:
    cached = [each for each in iter_route_contexts(app.routes) if hasattr(each.endpoint, CACHED)]

    assert len(cached) > 10
    assert [each.path for each in cached if not hasattr(each, DIRECT)] == []
