"""Looking an answer up in the tier: the entry, if it is current, and what a load may be stored under otherwise."""

import contextlib
import logging
from collections.abc import Mapping
from typing import NamedTuple, cast

from mina_api.cache.config import CacheConfig
from mina_api.cache.entry import Entry, UndecodableEntry
from mina_api.cache.lease import Lease
from mina_api.cache.memory import Fence, Memory
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read, Snapshot
from mina_api.cache.stats import Counters
from mina_api.cache.storing import EntryStore
from mina_api.cache.tier import HEAD_BYTES, Fetched, Tier, TierUnavailable
from mina_api.cache.tracing import traced

logger = logging.getLogger(__name__)

# A token of a tag that a writer holds begins with it; none is empty.
HELD = ord("!")


class Found(NamedTuple):
    """What the tier has, the entry in it if it is current, and the fence that was taken before."""

    fetched: Fetched
    entry: Entry | None
    fence: Fence

    @property
    def head(self) -> bytes:
        """What tells the entry that was there, current or not, from others; empty where there was none."""
        return self.fetched.data[:HEAD_BYTES] if self.fetched.data else b""

    @property
    def snapshot(self) -> Snapshot | None:
        """The tokens that were found, to store under; None where one is absent or held by a writer."""
        _, tokens, epoch = self.fetched
        for token in tokens:
            if token is None or token[0] == HELD:
                return None
        return Snapshot(cast("tuple[bytes, ...]", tokens), epoch, self.fence)


class LookUp:
    """Look-ups of one process in its tier; what is current goes into memory."""

    def __init__(self, memory: Memory, tier: Tier, store: EntryStore, config: CacheConfig, counters: Counters) -> None:
        self._memory = memory
        self._tier = tier
        self._store = store
        self._config = config
        self._counters = counters

    async def find(self, read: Read, lease: Lease | None = None, seen: bytes | None = b"") -> Found:
        """What there is for `read`; raises TierUnavailable.

        Before that a `lease` is claimed, as `Lease.claim` says: where there is no entry, unless `seen` says otherwise.
        Whoever gets it sees what its last owner stored.
        """
        fence = self._memory.fence()
        tags = read.policy.tags
        name = read.key.name
        asking = self._tier.fetch(name, tags) if lease is None else lease.claim(tags, seen)
        fetched = await traced(asking, "cache.look_up", key=name)
        entry = None if fetched.data is None else await self._current(read, fetched, fetched.data)
        if entry is not None:
            self._memory.put(read.key.name, entry, fence, bounded=self._config.is_bounded(read.policy))
        return Found(fetched, entry, fence)

    async def snapshot(self, policy: CachePolicy, found: Found) -> Snapshot | None:
        """Tokens to store under, made where they were absent; None where a writer holds one."""
        tokens = await self._tier.snapshot(policy.tags)
        return found._replace(fetched=found.fetched._replace(tokens=tokens)).snapshot

    async def _current(self, read: Read, fetched: Fetched, data: bytes) -> Entry | None:
        """The entry in `data` that was fetched, if it is this key's, of this server, and under the current tokens."""
        key = read.key
        try:
            entry = self._store.read(key, data)
        except UndecodableEntry as failure:
            self._counters.errors += 1
            logger.error("the entry of %s cannot be read, so it is deleted: %s", key, failure)
            with contextlib.suppress(TierUnavailable):
                await self._tier.delete([key.name])
            return None
        still_true = entry.tokens == fetched.tokens and entry.epoch == fetched.epoch
        return entry if still_true and read.is_answered_by(entry) else None


class Claim:
    """That the tier has these very entries, and that they are current: to be verified in one round trip.

    What makes two entries current at once is one token for each tag.
    """

    __slots__ = ("_data", "_entries", "_epochs", "_names", "_tokens", "is_consistent", "tags")

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._names = tuple(entries)
        self._entries = tuple(entries.values())
        tokens: dict[str, bytes] = {}
        pairs = [pair for entry in self._entries for pair in zip(entry.tags, entry.tokens, strict=False)]
        self.is_consistent = all(tokens.setdefault(tag, token) == token for tag, token in pairs) and all(
            entry.tokens for entry in self._entries
        )
        self.tags, self._tokens = tuple(tokens), tuple(tokens.values())
        self._epochs = {entry.epoch for entry in self._entries}
        # Their bytes, once they were seen to be theirs.
        self._data: tuple[bytes | None, ...] = ()

    async def is_true(self, tier: Tier, store: EntryStore, memory: Memory) -> bool:
        """Whether it is; the entries go into memory then. False where the tier cannot be asked."""
        fence = memory.fence()
        try:
            found = await tier.fetch_all(self._names, self.tags)
        except TierUnavailable:
            return False
        if found.tokens != self._tokens or self._epochs != {found.epoch}:
            return False
        if found.data != self._data:
            if self._data or not self._is_of(found.data, store):
                return False
            self._data = found.data
        if memory.is_valid:
            for name, entry in zip(self._names, self._entries, strict=True):
                memory.put(name, entry, fence)
        return True

    def _is_of(self, found: tuple[bytes | None, ...], store: EntryStore) -> bool:
        try:
            return all(
                data is not None and store.read_named(name, data) == entry
                for name, data, entry in zip(self._names, found, self._entries, strict=True)
            )
        except UndecodableEntry:
            return False


def newer(snapshot: Snapshot, read: Read, found: Found) -> Snapshot:
    """The tokens that were found last, if an entry can be stored under them."""
    later = found.snapshot
    return snapshot if later is None or read.is_older_than(later) else later
