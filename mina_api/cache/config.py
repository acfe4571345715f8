"""The cache's configuration: TTLs by prefix, limits, time-outs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mina_api.cache.policy import CachePolicy, Consistency

PREFIXES = ("analytics", "session", "transcription", "speaker", "temp")


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """Settings of one cache; TTLs and waits in seconds, sizes in bytes.

    `endpoint_ttls` are TTLs by an endpoint's name in its keys, such as `api_meetings.get_meeting`, in the place of
    those that the endpoints declare. Answers of `unstored_prefixes` are never in the tier.
    """

    enabled: bool = True
    namespace: str = "mina"
    default_ttl: int = 3600
    session_ttl: int = 86400
    transcription_ttl: int = 7200
    analytics_ttl: int = 1800
    temp_cache_ttl: int = 300
    endpoint_ttls: Mapping[str, int] = field(default_factory=dict)
    unstored_prefixes: frozenset[str] = frozenset()
    max_connections: int = 50
    connect_timeout_seconds: float = 0.25
    command_timeout_seconds: float = 0.15
    max_entry_bytes: int = 8 * 1024 * 1024
    max_body_bytes: int = 128 * 1024 * 1024
    memory_bytes: int = 64 * 1024 * 1024
    memory_lease_seconds: float = 1.0
    consistency: Consistency = "strict"
    memory_ttl_without_tier: float = 30.0
    usage_seconds: float = 10.0
    audit_share: float = 0.0
    control_share: float = 0.0
    slow_ms: float = 50.0
    compress_over_bytes: int = 1024
    lease_seconds: float = 3.0
    wait_seconds: float = 5.0
    max_concurrent_loads: int = 32
    max_waiting_loads: int = 1000
    hold_seconds: float = 30.0
    probe_seconds: float = 0.1
    probe_max_seconds: float = 1.0

    def is_bounded(self, policy: CachePolicy) -> bool:
        """Whether answers of `policy` may outlive a write in memory, by a lease's length."""
        return (policy.consistency or self.consistency) == "bounded"

    def ttl_of(self, prefix: str) -> int:
        """The default TTL of `prefix` in seconds; `speaker` lives as long as a session."""
        return {
            "session": self.session_ttl,
            "speaker": self.session_ttl,
            "transcription": self.transcription_ttl,
            "analytics": self.analytics_ttl,
            "temp": self.temp_cache_ttl,
        }.get(prefix, self.default_ttl)
