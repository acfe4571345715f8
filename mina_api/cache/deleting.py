"""Deletions of single entries by name: from the tier, and from the memory of every process."""

import contextlib

from mina_api.cache.stats import Counters
from mina_api.cache.tier import Tier, TierUnavailable


class Deleter:
    """Deletions by one process; nothing here raises for a lost tier."""

    def __init__(self, tier: Tier, counters: Counters) -> None:
        self._tier = tier
        self._counters = counters

    async def delete(self, name: str) -> bool:
        """Delete the entry of this name, and have no process give it any more; whether it was there."""
        removed = 0
        with contextlib.suppress(TierUnavailable):
            removed = await self._tier.delete([name])
        await self.forget(name)
        self._counters.deletes += removed
        return bool(removed)

    async def forget(self, name: str) -> None:
        """Have no process give what it has in memory under `name`; where the tier is lost, their leases run out."""
        with contextlib.suppress(TierUnavailable):
            await self._tier.forget([name])
