"""A plain asyncio program with a cache: exchange rates that are slow to get, and stay until somebody sets them.

    REDIS_URL=redis://127.0.0.1:6379/0 python examples/exchange_rates.py
    python examples/exchange_rates.py

Ten ask at once and one load answers them; who asks again is answered from what is kept; what is set is what is read
next. With a Redis all of that holds over any number of such processes, without one for this process alone.
"""

import asyncio
import math
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mina_api.cache.config import CacheConfig
from mina_api.cache.no_tier import NoTier
from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService


class OneProcess:
    """A journal for a process that is alone: what is invalidated is forgotten here."""

    cache: CacheService

    async def record(self, tags: Sequence[str], *, lifted_in: bytes | None) -> None:
        """Forget what was kept under these tags."""
        self.cache.coherence.hold("invalidation", tags)
        self.cache.coherence.drop("invalidation")


class Rates:
    """What a euro costs, by currency: slow to ask for, and cached."""

    def __init__(self, cache: CacheService) -> None:
        self.loads = 0
        self._cache = cache
        self._table = {"CHF": 0.94, "SEK": 11.2}

    async def get(self, currency: str) -> float:
        """The present rate; raises KeyError."""

        async def load() -> float:
            self.loads += 1
            await asyncio.sleep(0.05)
            return self._table[currency]

        policy = CachePolicy(ttl=60, tags=(f"rate:{currency}",))
        rate: float = await self._cache.get_or_load(f"rate:{currency}", load, policy)
        return rate

    async def set(self, currency: str, rate: float) -> None:
        """A new rate: whoever asks from now on gets it."""
        self._table[currency] = rate
        await self._cache.invalidate_tags(f"rate:{currency}")


@asynccontextmanager
async def a_cache(redis_url: str) -> AsyncIterator[CacheService]:
    """A started cache on the Redis at this URL, or, without one, in this process's memory."""
    config = CacheConfig(namespace="rates", memory_ttl_without_tier=60.0)
    if redis_url:
        from mina_api.cache.redis_tier import RedisTier

        cache = CacheService(RedisTier(redis_url, config), config)
    else:
        journal = OneProcess()
        cache = journal.cache = CacheService(NoTier(), config, journal=journal)
    await cache.start()
    if not redis_url:
        cache.coherence.permit_memory(math.inf)
    try:
        yield cache
    finally:
        await cache.close()


async def main(redis_url: str) -> None:
    """Ask, ask again, set, and ask."""
    async with a_cache(redis_url) as cache:
        rates = Rates(cache)
        await cache.invalidate_tags("rate:CHF")  # of an earlier run
        print("ten at once:", set(await asyncio.gather(*(rates.get("CHF") for _ in range(10)))), f"{rates.loads} load")
        print("again:", await rates.get("CHF"), f"{rates.loads} load")
        await rates.set("CHF", 0.95)
        print("set:", await rates.get("CHF"), f"{rates.loads} loads")


if __name__ == "__main__":
    asyncio.run(main(os.environ.get("REDIS_URL", "")))
