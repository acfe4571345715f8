"""The write path: tags put on hold before a COMMIT, given new tokens after it.

Phase 1 makes every entry under the tags unreadable and unfillable; phase 2 lifts that. What fails here is
made good by whoever drains the outbox (DESIGN section 3), so nothing here raises for a lost tier.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from mina_api.cache.config import CacheConfig
from mina_api.cache.lease import new_owner
from mina_api.cache.stats import Counters
from mina_api.cache.tier import Tier, TierUnavailable
from mina_api.cache.tracing import traced

logger = logging.getLogger(__name__)

# Told of tags that were invalidated; it waits for nothing.
Seen = Callable[[Sequence[str]], None]


def _unseen(_: Sequence[str]) -> None:
    return


class CacheUnavailable(Exception):
    """Tags could not be invalidated, nor noted where somebody would do it later."""


class Journal(Protocol):
    """What knows of processes that the tier does not tell, and keeps tags that it could not be told of."""

    async def record(self, tags: Sequence[str], *, lifted_in: bytes | None) -> None:
        """Have those processes forget `tags`; unless they are lifted, keep them until somebody has lifted them.

        `lifted_in` is the tier's epoch in which they are, None if they are not. Raises if that is impossible.
        """


class TagHold:
    """One write's hold on its tags: `lift` it after the COMMIT, or let it run out after a rollback."""

    def __init__(
        self, tier: Tier, tags: Sequence[str], counters: Counters, owner: str | None = None, seen: Seen = _unseen
    ) -> None:
        self.tags = tags
        self._seen = seen
        self._tier = tier
        self._counters = counters
        self._owner = owner or new_owner()
        # The tier's epochs in which the hold was placed, and lifted.
        self.placed_in: bytes | None = None
        self.lifted_in: bytes | None = None

    async def place(self, seconds: float) -> None:
        """Phase 1; a lost tier is left to phase 2 and the outbox."""
        try:
            epoch = self._tier.epoch
            holding = self._tier.hold(self.tags, self._owner, seconds)
            await traced(holding, "cache.invalidate", phase="hold", tags=self.tags)
            self.placed_in = epoch if self._tier.epoch == epoch else None
        except TierUnavailable as failure:
            logger.log(self._level, "tags not put on hold, the outbox will tell: %s", failure)

    async def lift(self) -> bool:
        """Phase 2; whether it succeeded, so that the outbox is done with."""
        try:
            epoch = self._tier.epoch
            lifting = self._tier.lift(self.tags, [self._owner])
            await traced(lifting, "cache.invalidate", phase="lift", tags=self.tags)
            self.lifted_in = epoch if self._tier.epoch == epoch else None
        except TierUnavailable as failure:
            self._counters.errors += 1
            logger.log(self._level, "tags not lifted, the outbox will tell: %s", failure)
            return False
        self._counters.deletes += len(self.tags)
        logger.info("invalidated: %s", ", ".join(self.tags))
        self._counters.count("invalidations")
        self._seen(self.tags)
        return True

    @property
    def _level(self) -> int:
        """Of a lost tier one line is written, when it is lost."""
        return logging.ERROR if self._tier.is_available else logging.DEBUG


class Invalidator:
    """Invalidations of one process."""

    def __init__(self, tier: Tier, config: CacheConfig, counters: Counters, journal: Journal | None) -> None:
        self.seen: Seen = _unseen
        self._tier = tier
        self._config = config
        self._counters = counters
        self._journal = journal

    async def hold(self, tags: Iterable[str], owner: str | None = None) -> TagHold:
        """Put `tags` on hold for the length of a COMMIT; under a name of the caller's, which another may lift."""
        hold = TagHold(self._tier, sorted(set(tags)), self._counters, owner, self.seen)
        await hold.place(self._config.hold_seconds)
        return hold

    async def invalidate(self, tags: Iterable[str]) -> None:
        """Make every entry under `tags` unreadable, now or as soon as the tier is there.

        The tags are noted before the second try: whoever finds the tier again drains the notes before reading.
        Raises CacheUnavailable if there is nowhere to note them.
        """
        hold = TagHold(self._tier, sorted(set(tags)), self._counters, seen=self.seen)
        if not hold.tags:
            return
        is_lifted = await hold.lift()
        if self._journal is None:
            if not is_lifted:
                raise CacheUnavailable(f"not invalidated: {', '.join(hold.tags)}")
            return
        await self._journal.record(hold.tags, lifted_in=hold.lifted_in)
        if not is_lifted:
            await hold.lift()
