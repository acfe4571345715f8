"""Rate limits over all workers: counted in Redis by the `limits` library, in this process while Redis is away."""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import BlockingConnectionPool

CONNECTIONS = 5
# In the slot of the cache's tokens: a pool of connections is to one server, in a Cluster too.
KEY_PREFIX = "mina:{tags}:limits"


@dataclass(frozen=True, slots=True)
class Quota:
    """`amount` of something named within any `seconds`."""

    name: str
    amount: int
    seconds: int

    @property
    def item(self) -> RateLimitItem:
        """The quota as the library words it."""
        return RateLimitItemPerSecond(self.amount, self.seconds, namespace=self.name)


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of a quota over all workers, and when there is more of it (seconds since the epoch)."""

    amount: int
    resets_at: float


class RateLimiter:
    """Counts against quotas; it never fails: without Redis each worker counts alone. `pool` is closed with it.

    One at a time by a moving window, which is exact and holds each hit; many at once (`spend`) by two counters, of
    this window and of the one before it, weighted by how much of it is in the last `seconds`.
    """

    def __init__(self, pool: BlockingConnectionPool | None, *, is_redis_available: Callable[[], bool]) -> None:
        self._is_redis_available = is_redis_available
        memory = MemoryStorage(wrap_exceptions=True)
        self._alone = MovingWindowRateLimiter(memory)
        self._counters_alone = SlidingWindowCounterRateLimiter(memory)
        self._shared: MovingWindowRateLimiter | None = None
        self._shared_counters: SlidingWindowCounterRateLimiter | None = None
        self._pool = pool
        if pool is not None:
            options: dict[str, Any] = {"connection_pool": pool}
            storage = RedisStorage(
                "async+redis://", wrap_exceptions=True, implementation="redispy", key_prefix=KEY_PREFIX, **options
            )
            self._shared = MovingWindowRateLimiter(storage)
            self._shared_counters = SlidingWindowCounterRateLimiter(storage)

    async def hit(self, quota: Quota, *names: str) -> int | None:
        """Count one; None, or the seconds to wait where the quota is used up already."""
        return await self._ask(quota, names, lambda limiter, key: limiter.hit(quota.item, key))

    async def test(self, quota: Quota, *names: str) -> int | None:
        """The same without counting."""
        return await self._ask(quota, names, lambda limiter, key: limiter.test(quota.item, key))

    async def clear(self, quota: Quota, *names: str) -> None:
        """Forget what was counted."""

        async def forget(limiter: MovingWindowRateLimiter, key: str) -> bool:
            await limiter.clear(quota.item, key)
            return True

        await self._ask(quota, names, forget)

    async def spend(self, quota: Quota, name: str, amount: int) -> Remaining:
        """Count `amount` that happened already, as far as the quota goes; what is left then."""
        if self._shared_counters is not None and self._is_redis_available():
            try:
                return await _spend(self._shared_counters, quota, name, amount)
            except (StorageError, OSError):
                pass
        return await _spend(self._counters_alone, quota, name, amount)

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _ask(
        self, quota: Quota, names: tuple[str, ...], call: Callable[[MovingWindowRateLimiter, str], Any]
    ) -> int | None:
        key = hashlib.sha256("\0".join(names).encode()).hexdigest()
        if self._shared is not None and self._is_redis_available():
            try:
                return await _answer(self._shared, quota, key, call)
            except (StorageError, OSError):
                pass
        return await _answer(self._alone, quota, key, call)


async def _answer(
    limiter: MovingWindowRateLimiter, quota: Quota, key: str, call: Callable[[MovingWindowRateLimiter, str], Any]
) -> int | None:
    if await call(limiter, key):
        return None
    stats = await limiter.get_window_stats(quota.item, key)
    return max(1, math.ceil(stats.reset_time - time.time()))


async def _spend(limiter: SlidingWindowCounterRateLimiter, quota: Quota, name: str, amount: int) -> Remaining:
    # The library counts all of it or nothing: what is past the quota is left out.
    is_counted = amount == 0 or await limiter.hit(quota.item, name, cost=amount)
    stats = await limiter.get_window_stats(quota.item, name)
    if not is_counted and stats.remaining:
        await limiter.hit(quota.item, name, cost=stats.remaining)
        stats = await limiter.get_window_stats(quota.item, name)
    return Remaining(stats.remaining, stats.reset_time)
