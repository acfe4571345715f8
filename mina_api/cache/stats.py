"""Counters of what the cache did in this process, and their lines in its log: DEBUG for what happens all the time."""

import logging
from collections import Counter
from typing import TypedDict

from mina_api.cache.clock import Clock
from mina_api.cache.keys import CacheKey

logger = logging.getLogger(__name__)


class CacheStats(TypedDict):
    """`get_cache_stats()`: counts since the start, `hit_rate` in 0–1, `uptime_seconds`."""

    hits: int
    misses: int
    sets: int
    deletes: int
    errors: int
    total_requests: int
    hit_rate: float
    uptime_seconds: float


class Counters:
    """Counts of one process; a bypass is no request of the cache's, a stale answer is a hit of its own kind."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self.hits = 0
        self.misses = 0
        self.sets = 0
        self.deletes = 0
        self.errors = 0
        self.bypasses = 0
        self.hits_by_prefix: Counter[str] = Counter()
        self.misses_by_prefix: Counter[str] = Counter()

    def hit(self, key: CacheKey, times: int = 1) -> None:
        """Count answers from the cache."""
        self.hits += times
        self.hits_by_prefix[key.prefix] += times
        logger.debug("hit: %s", key)

    def loaded(self, key: CacheKey, *, bypass: bool = False) -> None:
        """Count an answer that had to be loaded, or that the cache had no part in."""
        if bypass:
            self.bypasses += 1
            logger.debug("bypass: %s", key)
            return
        self.misses += 1
        self.misses_by_prefix[key.prefix] += 1
        logger.debug("miss: %s", key)

    def snapshot(self) -> CacheStats:
        """The counts now."""
        total = self.hits + self.misses
        return CacheStats(
            hits=self.hits,
            misses=self.misses,
            sets=self.sets,
            deletes=self.deletes,
            errors=self.errors,
            total_requests=total,
            hit_rate=self.hits / total if total else 0.0,
            uptime_seconds=self._clock.monotonic() - self._started,
        )
