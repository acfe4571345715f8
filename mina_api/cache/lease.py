"""A lease: one process's claim to load a key, renewed while its loader lives, lost when its process dies.

Taken and given back by an unguessable owner, so that nobody gives back another's (Redis documentation,
"Distributed locks"). It saves work; correctness rests on tag tokens alone.
"""

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Sequence

from mina_api.cache.tier import Fetched, Tier, TierUnavailable

logger = logging.getLogger(__name__)

# In the length of a lease: a renewal that is due after a third of it comes before half of it is over.
LOOKS = 6


def new_owner() -> str:
    """A name that no other holder of a lease or a hold has."""
    return secrets.token_urlsafe(12)


class Lease:
    """A lease under `name`, `owner`'s once it is claimed, for `seconds` at a time.

    `left_seconds` is what the last claim came to: 0 where it is ours, else what another's had left; None where the
    entry was not the one that was to be loaded anew.
    """

    __slots__ = ("_leases", "_may_be_ours", "_renewing", "claimed_at", "left_seconds", "name", "owner")

    def __init__(self, leases: "Leases", name: str, owner: str) -> None:
        self._leases = leases
        self._may_be_ours = False
        self._renewing: asyncio.Task[None] | None = None
        self.name = name
        self.owner = owner
        self.left_seconds: float | None = None
        # By the event loop's time, in seconds.
        self.claimed_at = 0.0

    @property
    def is_ours(self) -> bool:
        """Whether it was claimed, and not given back."""
        return self._may_be_ours and self.left_seconds == 0

    async def claim(self, tags: Sequence[str], seen: bytes | None = None) -> Fetched:
        """Ask for it, and for the entry and the tokens of `tags` after that; raises TierUnavailable.

        With `seen`, what the entry begins with, it is not taken where that is another one by now.
        """
        self._may_be_ours, self.left_seconds = True, None
        leases = self._leases
        leases.claimed.add(self.name)
        claimed = await leases.tier.claim(self.name, tags, self.owner, leases.seconds, seen)
        self.left_seconds = claimed.left_seconds
        if self.left_seconds != 0:
            self._let_go()
        return claimed.fetched

    async def store(self, data: bytes, ttl_seconds: float) -> None:
        """Keep `data` as what was loaded under it, and give it back; raises TierUnavailable."""
        await self._leases.tier.store(self.name, data, ttl_seconds, self.owner)
        self._let_go()

    def give_back(self) -> None:
        """Release it, if it may be ours, without waiting; where that fails, it runs out by itself."""
        if self._may_be_ours:
            self._let_go()
            self._leases.release(self.name, self.owner)

    def __enter__(self) -> None:
        """Keep it, ours, for the length of the block."""
        self._leases.keep(self)

    def __exit__(self, *_: object) -> None:
        """Renew it no more."""
        self._leases.kept.discard(self)
        if self._renewing is not None:
            self._renewing.cancel()

    def renew(self) -> None:
        """Prolong it by turns from now on, in a task of its own, until it is lost or the tier is."""
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._leases.renew(self), name=f"lease {self.name}")

    def _let_go(self) -> None:
        self._may_be_ours = False
        self._leases.claimed.discard(self.name)


class Leases:
    """The leases of one process, of `seconds` each; `claimed` are the names of those that it has, or has asked for.

    Those that are `kept` while their loads run are looked over now and then: most loads end before a renewal is due,
    and have no timer of their own.
    """

    def __init__(self, tier: Tier, seconds: float) -> None:
        self.tier = tier
        self.seconds = seconds
        self.claimed: set[str] = set()
        self.kept: set[Lease] = set()
        self._next_look: asyncio.TimerHandle | None = None
        self._process = new_owner()
        self._numbers = itertools.count()
        self._releases: set[asyncio.Task[None]] = set()

    def of(self, name: str) -> Lease:
        """A lease to claim, with an owner of its own."""
        return Lease(self, name, f"{self._process}-{next(self._numbers)}")

    async def close(self) -> None:
        """Wait until every lease is given back."""
        if self._next_look is not None:
            self._next_look.cancel()
        if self._releases:
            await asyncio.wait(self._releases)

    def keep(self, lease: Lease) -> None:
        """Renew `lease`, which was claimed just now, as long as it is in `kept`."""
        loop = asyncio.get_running_loop()
        lease.claimed_at = loop.time()
        self.kept.add(lease)
        if self._next_look is None:
            self._next_look = loop.call_later(self.seconds / LOOKS, self._look)

    def _look(self) -> None:
        """Renew those that have had a third of their length."""
        loop = asyncio.get_running_loop()
        for lease in self.kept:
            if loop.time() >= lease.claimed_at + self.seconds / 3:
                lease.renew()
        self._next_look = loop.call_later(self.seconds / LOOKS, self._look) if self.kept else None

    async def renew(self, lease: Lease) -> None:
        """Prolong `lease` by turns, until it is lost or the tier is."""
        with contextlib.suppress(TierUnavailable):
            while True:
                if not await self.tier.renew(lease.name, lease.owner, self.seconds):
                    logger.info("the lease of %s was lost while loading", lease.name)
                    return
                await asyncio.sleep(self.seconds / 3)

    def release(self, name: str, owner: str) -> None:
        """Give one back in a task of its own: neither a cancelled load nor an answer waits for that."""

        async def release() -> None:
            with contextlib.suppress(TierUnavailable):
                await self.tier.release(name, owner)

        task = asyncio.create_task(release())
        self._releases.add(task)
        task.add_done_callback(self._releases.discard)
