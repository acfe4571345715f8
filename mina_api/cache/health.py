"""How the tier of a cache is, as who operates it wants to know."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mina_api.cache.clock import Clock
from mina_api.cache.stats import CacheStats
from mina_api.cache.tier import Tier, TierUnavailable


@dataclass(frozen=True, slots=True)
class CacheHealth:
    """`latency_ms` is one round trip; sizes as Redis words them, None where it could not be asked."""

    status: Literal["healthy", "degraded", "unavailable"]
    available: bool
    latency_ms: float | None
    used_memory_human: str | None
    maxmemory_human: str | None
    stats: CacheStats


async def health_of(tier: Tier, clock: Clock, slow_ms: float, stats: Callable[[], CacheStats]) -> CacheHealth:
    """Ask the tier once: degraded if that takes `slow_ms` or longer; never raises for a lost one."""
    started = clock.monotonic()
    try:
        memory = await tier.memory()
    except TierUnavailable:
        return CacheHealth("unavailable", False, None, None, None, stats())
    latency_ms = (clock.monotonic() - started) * 1000
    status: Literal["healthy", "degraded"] = "healthy" if latency_ms < slow_ms else "degraded"
    return CacheHealth(status, True, latency_ms, memory.used, memory.maximum, stats())
