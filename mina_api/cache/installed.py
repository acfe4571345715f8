"""The cache service of the running program, for code that nothing is injected into, and what it is mostly asked for."""

from mina_api.cache.service import CacheService
from mina_api.cache.tags import meeting_tag, user_tag

_installed: list[CacheService] = []


def install_cache_service(service: CacheService | None) -> None:
    """Make `service` what `get_cache_service` gives; None forgets it."""
    _installed[:] = [service] if service is not None else []


def get_cache_service() -> CacheService:
    """The service that the running program has installed; raises RuntimeError where none is."""
    if not _installed:
        raise RuntimeError("no cache service is installed: the application's lifespan does it")
    return _installed[0]


async def invalidate_meeting_cache(meeting_id: int) -> None:
    """Forget every answer that depends on a meeting."""
    await get_cache_service().invalidate_tags(meeting_tag(meeting_id))


async def invalidate_user_cache(user_id: int) -> None:
    """Forget every answer that a user got."""
    await get_cache_service().invalidate_tags(user_tag(user_id))


async def invalidate_analytics_cache() -> None:
    """Forget every answer of analytics, everybody's."""
    await get_cache_service().clear_prefix("analytics")
