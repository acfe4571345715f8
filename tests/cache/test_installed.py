"""The running program's cache, for code that nothing is injected into."""

from collections.abc import Awaitable, Callable, Iterator

import pytest

from mina_api.cache.installed import (
    get_cache_service,
    install_cache_service,
    invalidate_analytics_cache,
    invalidate_meeting_cache,
    invalidate_user_cache,
)
from mina_api.cache.service import CacheService


@pytest.fixture
def installed(cache: CacheService) -> Iterator[CacheService]:
    """The cache, as that of the running program."""
    install_cache_service(cache)
    yield cache
    install_cache_service(None)


class TestInstalled:
    async def test_is_what_the_program_gets_until_it_is_forgotten(self, installed: CacheService) -> None:
        assert get_cache_service() is installed
        install_cache_service(None)
        with pytest.raises(RuntimeError, match="no cache service is installed"):
            get_cache_service()

    @pytest.mark.parametrize(
        ("invalidate", "gone"),
        [
            (lambda: invalidate_meeting_cache(42), "meeting"),
            (lambda: invalidate_user_cache(7), "user"),
            (invalidate_analytics_cache, "analytics"),
        ],
    )
    async def test_is_invalidated_by_meeting_by_user_and_by_analytics(
        self, installed: CacheService, invalidate: Callable[[], Awaitable[None]], gone: str
    ) -> None:
        tags = {"meeting": "meeting:42", "user": "user:7", "analytics": "prefix:analytics"}
        for key, tag in tags.items():
            await installed.set(key, 1, tags=[tag])

        await invalidate()

        assert set(await installed.get_many(list(tags))) == tags.keys() - {gone}
