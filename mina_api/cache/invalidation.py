"""The write path: tags put on hold before a COMMIT, given new tokens after it.

Phase 1 makes every entry under the tags unreadable and unfillable; phase 2 lifts that. What fails here is
made good by whoever drains the outbox (DESIGN section 3), so nothing here raises for a lost tier.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from mina_api.cache.config import CacheConfig
from mina_api.cache.lease import new_owner
from mina_api.cache.stats import Counters
from mina_api.cache.tier import Tier, TierUnavailable

logger = logging.getLogger(__name__)


class CacheUnavailable(Exception):
    """Tags could not be invalidated, nor noted where somebody would do it later."""


class Journal(Protocol):
    """Durable memory for tags that the tier could not be told of: the outbox."""

    async def record(self, tags: Sequence[str]) -> None:
        """Keep `tags` until somebody has lifted them; raises if they cannot be kept."""


class TagHold:
    """One write's hold on its tags: `lift` it after the COMMIT, or let it run out after a rollback."""

    def __init__(self, tier: Tier, tags: Sequence[str], counters: Counters, owner: str | None = None) -> None:
        self.tags = tags
        self._tier = tier
        self._counters = counters
        self._owner = owner or new_owner()

    async def place(self, seconds: float) -> None:
        """Phase 1; a lost tier is left to phase 2 and the outbox."""
        try:
            await self._tier.hold(self.tags, self._owner, seconds)
        except TierUnavailable as failure:
            logger.error("tags not put on hold, the outbox will tell: %s", failure)

    async def lift(self) -> bool:
        """Phase 2; whether it succeeded, so that the outbox is done with."""
        try:
            await self._tier.lift(self.tags, [self._owner])
        except TierUnavailable as failure:
            self._counters.errors += 1
            logger.error("tags not lifted, the outbox will tell: %s", failure)
            return False
        self._counters.deletes += len(self.tags)
        logger.info("invalidated: %s", ", ".join(self.tags))
        return True


class Invalidator:
    """Invalidations of one process."""

    def __init__(self, tier: Tier, config: CacheConfig, counters: Counters, journal: Journal | None) -> None:
        self._tier = tier
        self._config = config
        self._counters = counters
        self._journal = journal

    async def hold(self, tags: Iterable[str], owner: str | None = None) -> TagHold:
        """Put `tags` on hold for the length of a COMMIT; under a name of the caller's, which another may lift."""
        hold = TagHold(self._tier, sorted(set(tags)), self._counters, owner)
        await hold.place(self._config.hold_seconds)
        return hold

    async def invalidate(self, tags: Iterable[str]) -> None:
        """Make every entry under `tags` unreadable, now or as soon as the tier is there.

        The tags are noted before the second try: whoever finds the tier again drains the notes before reading.
        Raises CacheUnavailable if there is nowhere to note them.
        """
        hold = TagHold(self._tier, sorted(set(tags)), self._counters)
        if not hold.tags or await hold.lift():
            return
        if self._journal is None:
            raise CacheUnavailable(f"not invalidated: {', '.join(hold.tags)}")
        await self._journal.record(hold.tags)
        await hold.lift()
