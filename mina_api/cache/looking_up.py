"""Looking an answer up in the tier: the entry, if it is current, and what a load may be stored under otherwise."""

import contextlib
import logging
from dataclasses import dataclass

from mina_api.cache.config import CacheConfig
from mina_api.cache.entry import Entry, UndecodableEntry
from mina_api.cache.memory import Fence, Memory
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read, Snapshot
from mina_api.cache.stats import Counters
from mina_api.cache.storing import EntryStore
from mina_api.cache.tier import Fetched, Tier, TierUnavailable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What the tier has, the entry in it if it is current, and the fence that was taken before."""

    fetched: Fetched
    entry: Entry | None
    fence: Fence


class LookUp:
    """Look-ups of one process in its tier; what is current goes into memory."""

    def __init__(self, memory: Memory, tier: Tier, store: EntryStore, config: CacheConfig, counters: Counters) -> None:
        self._memory = memory
        self._tier = tier
        self._store = store
        self._config = config
        self._counters = counters

    async def find(self, read: Read) -> Found:
        """What there is for `read`; raises TierUnavailable."""
        fence = self._memory.fence()
        fetched = await self._tier.fetch(read.key.name, read.policy.tags)
        entry = await self._current(read, fetched)
        if entry is not None:
            self._memory.put(read.key.name, entry, fence, bounded=self._config.is_bounded(read.policy))
        return Found(fetched, entry, fence)

    async def snapshot(self, policy: CachePolicy, found: Found) -> Snapshot | None:
        """Tokens to store under: those fetched, or made where absent; None where a writer holds one."""
        tokens = _usable(found.fetched.tokens)
        if len(tokens) < len(policy.tags):
            tokens = _usable(await self._tier.snapshot(policy.tags))
        return Snapshot(tokens, found.fetched.epoch, found.fence) if len(tokens) == len(policy.tags) else None

    async def _current(self, read: Read, fetched: Fetched) -> Entry | None:
        """The entry that was fetched, if it is this key's, of this server, and under the current tokens."""
        key = read.key
        if fetched.data is None:
            return None
        try:
            entry = self._store.read(key, fetched.data)
        except UndecodableEntry as failure:
            self._counters.errors += 1
            logger.warning("the entry of %s cannot be read, so it is deleted: %s", key, failure)
            with contextlib.suppress(TierUnavailable):
                await self._tier.delete([key.name])
            return None
        still_true = entry.tokens == fetched.tokens and entry.epoch == fetched.epoch
        return entry if still_true and read.is_answered_by(entry) else None


def newer(snapshot: Snapshot, read: Read, found: Found) -> Snapshot:
    """The tokens that were found last, if an entry can be stored under them."""
    tokens = _usable(found.fetched.tokens)
    if len(tokens) < len(read.policy.tags):
        return snapshot
    later = Snapshot(tokens, found.fetched.epoch, found.fence)
    return snapshot if read.is_older_than(later) else later


def _usable(tokens: tuple[bytes | None, ...]) -> tuple[bytes, ...]:
    return tuple(token for token in tokens if token is not None and not token.startswith(b"!"))
