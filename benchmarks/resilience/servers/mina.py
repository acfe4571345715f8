"""The page in the whole of Mina: its own accounts and sign-ins, its cache, its Postgres."""

from typing import Any

from fastapi import APIRouter

from benchmarks.speed.servers.fastapi_app import Page
from benchmarks.speed.servers.page import loaded_page
from mina_api.app import create_app
from mina_api.auth.dependencies import Viewer
from mina_api.cache.fastapi import CachedRoute, cache_response

router = APIRouter(route_class=CachedRoute)


@router.get("/page", response_model=Page)
@cache_response(ttl=3600, tags=["pages"])
async def get_page(viewer: Viewer, page: int = 1) -> Any:
    """A page."""
    return await loaded_page(page)


app = create_app()
app.include_router(router)
