"""A write's COMMIT between the two phases of its invalidation (DESIGN section 3)."""

import asyncio
from collections.abc import Mapping, Sequence

from mina_api.cache.fastapi import PendingInvalidation
from mina_api.cache.invalidation import TagHold
from mina_api.cache.lease import new_owner
from mina_api.cache.service import CacheService
from mina_api.db.outbox import Outbox, hold_owner, note
from mina_api.db.peering import Mode, Registered, without_redis
from mina_api.db.peers import PostgresPeers
from mina_api.db.session import Database, WriteSession


class CoherentCommit:
    """Notes the request's tags in the outbox and holds them, commits, and lifts them before the answer is sent.

    They are held in Redis, and with those peers whom Redis does not tell: with all of them where it tells none.
    """

    def __init__(self, cache: CacheService, outbox: Outbox, peers: PostgresPeers, pending: PendingInvalidation) -> None:
        self._cache = cache
        self._outbox = outbox
        self._peers = peers
        self._pending = pending
        self._hold: TagHold | None = None
        self._registered = Registered()
        self._is_heard = False
        self._is_held_by_all = False
        self._is_held_by_some = False
        self._row_id = 0

    async def before_commit(self, session: WriteSession) -> None:
        """Phase 1, the last step before COMMIT: nothing can fail after the hold but the COMMIT itself."""
        tags = self._pending.take()
        if not tags:
            return
        self._row_id = await note(session, tags)
        self._registered, hold = await asyncio.gather(
            self._peers.registered(session), self._cache.hold(tags, hold_owner(self._row_id))
        )
        self._hold = hold
        self._is_heard = hold.placed_in is not None and hold.placed_in == self._registered.epoch
        if not self._is_heard:
            await self._hold_with(self._registered, with_all=True)
        elif left := without_redis(self._registered):
            await self._hold_with(left, with_all=False)

    async def after_commit(self) -> None:
        """Phase 2; where Redis is lost, the row stays for whoever finds it again."""
        if self._hold is None:
            return
        await self._hold.lift()
        if is_lifted := self._is_lifted(self._hold):
            self._outbox.done(self._row_id)
        elif not self._is_held_by_all:
            await self._hold_with(self._registered, with_all=True)
        if self._is_held_by_some:
            await self._peers.release(hold_owner(self._row_id), is_lifted=is_lifted)

    def _is_lifted(self, hold: TagHold) -> bool:
        """Whether no answer from before the COMMIT is valid any more, in an epoch that was in force after it.

        A process whose hold was placed in the epoch in force joins another one only after its own COMMIT.
        """
        return hold.lifted_in is not None and (self._is_heard or hold.lifted_in == self._registered.epoch)

    async def _hold_with(self, peers: Mapping[str, Mode], *, with_all: bool) -> None:
        assert self._hold is not None  # noqa: S101  (set before)
        self._is_held_by_some, self._is_held_by_all = True, with_all
        await self._peers.hold(hold_owner(self._row_id), self._hold.tags, peers, with_all=with_all)


class CoherentJournal:
    """What is invalidated beside any write, where Redis cannot be told of it or does not tell everybody."""

    def __init__(self, database: Database, outbox: Outbox, peers: PostgresPeers) -> None:
        self._database = database
        self._outbox = outbox
        self._peers = peers

    async def record(self, tags: Sequence[str], *, lifted_in: bytes | None) -> None:
        """Have everybody whom Redis did not tell forget `tags`; noted first, where it told nobody."""
        registered = await self._look()
        is_lifted = lifted_in is not None and lifted_in == registered.epoch
        if is_lifted:
            if left := without_redis(registered):
                await self._hold_for_a_moment(new_owner(), tags, left, is_lifted=True)
            return
        owner = hold_owner(await self._outbox.record(tags))
        await self._hold_for_a_moment(owner, tags, await self._look(), is_lifted=False)

    async def _look(self) -> Registered:
        async with self._database.read() as session:
            return await self._peers.registered(session)

    async def _hold_for_a_moment(
        self, owner: str, tags: Sequence[str], peers: Mapping[str, Mode], *, is_lifted: bool
    ) -> None:
        await self._peers.hold(owner, tags, peers, with_all=not is_lifted)
        await self._peers.release(owner, is_lifted=is_lifted)
