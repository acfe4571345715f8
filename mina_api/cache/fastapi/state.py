"""Where a request finds its application's cache."""

from fastapi import Request

from mina_api.cache.fastapi.shortcuts import Shortcuts
from mina_api.cache.service import CacheService


def cache_of(request: Request) -> CacheService:
    """The cache that the lifespan put at `app.state.cache`."""
    cache: CacheService = request.scope["app"].state.cache
    return cache


def shortcuts_of(request: Request) -> Shortcuts | None:
    """The shortcuts that the application keeps at `app.state.shortcuts`, if it does."""
    return getattr(request.app.state, "shortcuts", None)


async def get_cache(request: Request) -> CacheService:
    """The same as a dependency; `async`, since FastAPI runs others in a thread, which costs 0.3 ms each."""
    return cache_of(request)
