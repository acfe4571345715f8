"""The cache's parts: its configuration, and where Redis is."""

from mina_api.cache.config import CacheConfig
from mina_api.cache.redis_tier import TlsFiles, parse_target
from mina_api.composition.databases import hold_seconds
from mina_api.composition.keys import TRANSCRIPTS
from mina_api.settings import Settings, SettingsError


def cache_config(settings: Settings) -> CacheConfig:
    """What the cache's core knows of the settings."""
    cache, redis = settings.cache, settings.redis
    return CacheConfig(
        enabled=cache.enabled,
        audit_share=cache.audit_share,
        control_share=cache.control_share,
        default_ttl=cache.default_ttl,
        session_ttl=cache.session_ttl,
        transcription_ttl=cache.transcription_ttl,
        analytics_ttl=cache.analytics_ttl,
        temp_cache_ttl=cache.temp_ttl,
        endpoint_ttls=cache.endpoint_ttls,
        unstored_prefixes=TRANSCRIPTS if cache.transcripts == "none" else frozenset(),
        max_connections=redis.max_connections,
        connect_timeout_seconds=redis.connect_timeout_seconds,
        command_timeout_seconds=redis.command_timeout_seconds,
        memory_bytes=cache.memory_bytes,
        memory_lease_seconds=cache.memory_lease_seconds,
        memory_ttl_without_tier=cache.without_redis_ttl,
        max_entry_bytes=cache.max_entry_bytes,
        compress_over_bytes=cache.compress_over_bytes,
        lease_seconds=cache.lease_seconds,
        wait_seconds=cache.wait_seconds,
        max_concurrent_loads=cache.max_concurrent_loads,
        max_waiting_loads=cache.max_waiting_loads,
        hold_seconds=hold_seconds(settings),
    )


def tls_files(settings: Settings) -> TlsFiles:
    """What TLS to Redis is checked against."""
    given = settings.redis
    return TlsFiles(str(given.ca_file or ""), str(given.certificate_file or ""), str(given.key_file or ""))


def check_redis_url(settings: Settings) -> None:
    """Raise SettingsError for an address of Redis that nothing could connect to."""
    if url := settings.redis.url.get_secret_value():
        try:
            parse_target(url, tls_files(settings))
        except ValueError as failure:
            raise SettingsError([f"REDIS_URL is wrong: {failure}"]) from None
