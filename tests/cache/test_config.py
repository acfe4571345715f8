"""The configuration as it comes: what a program that says nothing gets."""

import pytest

from mina_api.cache.config import CacheConfig


class TestCacheConfig:
    def test_has_the_ttls_and_the_pool_that_are_promised(self) -> None:
        config = CacheConfig()

        assert (config.default_ttl, config.session_ttl, config.transcription_ttl) == (3600, 86_400, 7200)
        assert (config.analytics_ttl, config.temp_cache_ttl, config.max_connections) == (1800, 300, 50)

    @pytest.mark.parametrize(
        ("prefix", "ttl"),
        [
            ("analytics", 1800),
            ("session", 86_400),
            ("transcription", 7200),
            ("speaker", 86_400),
            ("temp", 300),
            ("another", 3600),
        ],
    )
    def test_gives_each_prefix_its_own(self, prefix: str, ttl: int) -> None:
        assert CacheConfig().ttl_of(prefix) == ttl
