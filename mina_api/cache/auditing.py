"""The freshness audit: a sample of hits is loaded again and compared; what differs should not have been served.

The comparison says something only if the entry is still current once the load has ended: a token never comes back,
so no write under its tags was under way from the hit on, and the load has read what the entry was made of.
"""

import asyncio
import contextvars
import hashlib
import logging
import random
from collections.abc import Awaitable, Callable

from mina_api.cache.compression import plain_body
from mina_api.cache.entry import Entry
from mina_api.cache.freshness import Chance
from mina_api.cache.looking_up import LookUp
from mina_api.cache.reading import Read
from mina_api.cache.stats import Counters
from mina_api.cache.tier import TierUnavailable

logger = logging.getLogger(__name__)

MATCH, MISMATCH, UNKNOWN = "match", "mismatch", "unknown"


class Auditor:
    """Audits a `share` of hits in the background, one at a time; `drop` deletes an entry by its name."""

    def __init__(
        self,
        look_up: LookUp,
        counters: Counters,
        drop: Callable[[str], Awaitable[object]],
        share: float,
        max_body_bytes: int,
        chance: Chance = random.random,
    ) -> None:
        self.share = share
        self._look_up = look_up
        self._counters = counters
        self._drop = drop
        self._max_body_bytes = max_body_bytes
        self._chance = chance
        self._task: asyncio.Task[None] | None = None

    def consider(self, read: Read, entry: Entry, *, wanted: bool = False) -> None:
        """`read` was answered by `entry`: audit that if it is `wanted`, or by chance."""
        if self._task is not None or not (wanted or (self.share and self._chance() < self.share)):
            return
        # A context of its own, as of every load in the background: it belongs to no request.
        self._task = asyncio.create_task(self._run(read, entry), name="audit", context=contextvars.Context())

    async def close(self) -> None:
        """End what runs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def audit(self, read: Read, entry: Entry) -> str:
        """What comes of loading `read` again: a match, a mismatch, whose entry is dropped, or nothing to be known."""
        try:
            loaded = await read.load()
            now = (await self._look_up.find(read)).entry
        except TierUnavailable:
            return UNKNOWN
        if loaded is None or now is None or now.tokens != entry.tokens or now.created != entry.created:
            return UNKNOWN
        kept = plain_body(entry, self._max_body_bytes)
        if (loaded.body, loaded.status) == (kept, entry.status):
            return MATCH
        logger.error(
            "a stale answer: %s is %s, and %s when loaded anew under the same tokens; it is dropped",
            read.key,
            _digest(kept),
            _digest(loaded.body),
        )
        await self._drop(read.key.name)
        return MISMATCH

    async def _run(self, read: Read, entry: Entry) -> None:
        try:
            self._counters.count("audit", await self.audit(read, entry))
        except Exception:
            self._counters.count("audit", UNKNOWN)
            logger.warning("the audit of %s failed", read.key, exc_info=True)
        finally:
            self._task = None


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]
