"""Where a request finds its application's cache."""

from fastapi import Request

from mina_api.cache.service import CacheService


def cache_of(request: Request) -> CacheService:
    """The cache that the lifespan put at `app.state.cache`."""
    cache: CacheService = request.app.state.cache
    return cache


async def get_cache(request: Request) -> CacheService:
    """The same as a dependency; `async`, since FastAPI runs others in a thread, which costs 0.3 ms each."""
    return cache_of(request)
