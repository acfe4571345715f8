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
from contextlib import AbstractContextManager

from mina_api.cache.tier import Fetched, Tier, TierUnavailable

logger = logging.getLogger(__name__)


def new_owner() -> str:
    """A name that no other holder of a lease or a hold has."""
    return secrets.token_urlsafe(12)


class Lease:
    """A lease under `name`, `owner`'s once it is claimed, for `seconds` at a time.

    `left_seconds` is what the last claim came to: 0 where it is ours, else what another's had left; None where the
    entry was not the one that was to be loaded anew.
    """

    __slots__ = ("_leases", "_may_be_ours", "_name", "left_seconds", "owner")

    def __init__(self, leases: "Leases", name: str, owner: str) -> None:
        self._leases = leases
        self._name = name
        self._may_be_ours = False
        self.owner = owner
        self.left_seconds: float | None = None

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
        leases.claimed.add(self._name)
        claimed = await leases.tier.claim(self._name, tags, self.owner, leases.seconds, seen)
        self.left_seconds = claimed.left_seconds
        if self.left_seconds != 0:
            self._let_go()
        return claimed.fetched

    async def store(self, data: bytes, ttl_seconds: float) -> None:
        """Keep `data` as what was loaded under it, and give it back; raises TierUnavailable."""
        await self._leases.tier.store(self._name, data, ttl_seconds, self.owner)
        self._let_go()

    def handed_over(self) -> "Lease":
        """The same lease, which this one has no part in any more."""
        other = Lease(self._leases, self._name, self.owner)
        other._may_be_ours, other.left_seconds = self._may_be_ours, self.left_seconds
        self._may_be_ours = False
        return other

    def give_back(self) -> None:
        """Release it, if it may be ours, without waiting; where that fails, it runs out by itself."""
        if self._may_be_ours:
            self._let_go()
            self._leases.release(self._name, self.owner)

    def renewed(self) -> AbstractContextManager[None]:
        """Keep it for the length of the block, by a renewal each third of its length."""
        return _Renewal(self._leases, self._name, self.owner)

    def _let_go(self) -> None:
        self._may_be_ours = False
        self._leases.claimed.discard(self._name)


class _Renewal(AbstractContextManager[None]):
    """Renewals of a lease; most loads end before the first is due, and until then they cost no task."""

    __slots__ = ("_due", "_leases", "_name", "_owner", "_task")

    def __init__(self, leases: "Leases", name: str, owner: str) -> None:
        self._leases = leases
        self._name = name
        self._owner = owner
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._due = asyncio.get_running_loop().call_later(self._leases.seconds / 3, self._begin)

    def __exit__(self, *_: object) -> None:
        self._due.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._leases.renew(self._name, self._owner), name=f"lease {self._name}")


class Leases:
    """The leases of one process, of `seconds` each; `claimed` are the names of those that it has, or has asked for."""

    def __init__(self, tier: Tier, seconds: float) -> None:
        self.tier = tier
        self.seconds = seconds
        self.claimed: set[str] = set()
        self._process = new_owner()
        self._numbers = itertools.count()
        self._releases: set[asyncio.Task[None]] = set()

    def of(self, name: str) -> Lease:
        """A lease to claim, with an owner of its own."""
        return Lease(self, name, f"{self._process}-{next(self._numbers)}")

    async def close(self) -> None:
        """Wait until every lease is given back."""
        if self._releases:
            await asyncio.wait(self._releases)

    async def renew(self, name: str, owner: str) -> None:
        """Prolong a lease by turns, until it is lost or the tier is."""
        with contextlib.suppress(TierUnavailable):
            while True:
                if not await self.tier.renew(name, owner, self.seconds):
                    logger.info("the lease of %s was lost while loading", name)
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
