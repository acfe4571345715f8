"""A lease: one process's claim to load a key, renewed while its loader lives, lost when its process dies.

Taken and given back by an unguessable owner, so that nobody gives back another's (Redis documentation,
"Distributed locks"). It saves work; correctness rests on tag tokens alone.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator

from mina_api.cache.tier import Tier, TierUnavailable

logger = logging.getLogger(__name__)


def new_owner() -> str:
    """A name that no other holder of a lease or a hold has."""
    return secrets.token_urlsafe(12)


class Lease:
    """A lease under `name`, `owner`'s once acquired, for `seconds` at a time."""

    def __init__(self, tier: Tier, name: str, owner: str, seconds: float) -> None:
        self._tier = tier
        self._name = name
        self._owner = owner
        self._seconds = seconds

    async def acquire(self) -> float:
        """Ask for it: 0 if it is ours, else the seconds that another's has left. Raises TierUnavailable."""
        return await self._tier.acquire(self._name, self._owner, self._seconds)

    @contextlib.asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """Keep it for the length of the block, by a renewal each third of its length."""
        task = asyncio.create_task(self._renew(), name=f"lease {self._name}")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / 3)
            try:
                if not await self._tier.renew(self._name, self._owner, self._seconds):
                    logger.info("the lease of %s was lost while loading", self._name)
                    return
            except TierUnavailable:
                return

    async def release(self) -> None:
        """Give it back; where that fails, it runs out by itself."""
        with contextlib.suppress(TierUnavailable):
            await self._tier.release(self._name, self._owner)
