"""A write's COMMIT between the two phases of its invalidation (DESIGN section 3)."""

from mina_api.cache.fastapi import PendingInvalidation
from mina_api.cache.invalidation import TagHold
from mina_api.cache.service import CacheService
from mina_api.db.outbox import Outbox, hold_owner, note
from mina_api.db.session import WriteSession


class CoherentCommit:
    """Notes the request's tags in the outbox and holds them, commits, and lifts them before the answer is sent."""

    def __init__(self, cache: CacheService, outbox: Outbox, pending: PendingInvalidation) -> None:
        self._cache = cache
        self._outbox = outbox
        self._pending = pending
        self._hold: TagHold | None = None
        self._row_id = 0

    async def before_commit(self, session: WriteSession) -> None:
        """Phase 1, the last step before COMMIT: nothing can fail after the hold but the COMMIT itself."""
        tags = self._pending.take()
        if tags:
            self._row_id = await note(session, tags)
            self._hold = await self._cache.hold(tags, hold_owner(self._row_id))

    async def after_commit(self) -> None:
        """Phase 2; where Redis is lost, the row stays for whoever finds it again."""
        if self._hold is not None and await self._hold.lift():
            self._outbox.done(self._row_id)
