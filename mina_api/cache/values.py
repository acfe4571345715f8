"""Values by keys of the program's own, written by a serializer and kept as answers are."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from mina_api.cache.clock import Clock
from mina_api.cache.compression import UndecodableBody, plain_body
from mina_api.cache.config import CacheConfig
from mina_api.cache.entry import Entry, UndecodableEntry
from mina_api.cache.freshness import DEFAULT, Freshness
from mina_api.cache.keys import CacheKey, manual_key
from mina_api.cache.memory import Fence, Memory
from mina_api.cache.outcome import Demand, Loaded, Seen, Vintage
from mina_api.cache.policy import CachePolicy, Consistency
from mina_api.cache.read_through import MEMORY, TIER, ReadThrough
from mina_api.cache.reading import Read
from mina_api.cache.serializers import Serializer
from mina_api.cache.standing import Standing
from mina_api.cache.stats import Counters
from mina_api.cache.storing import EntryStore
from mina_api.cache.tags import prefix_tag
from mina_api.cache.tier import Tier, TierUnavailable

logger = logging.getLogger(__name__)

_ABSENT = object()


class Values:
    """The values of one process in memory and tier; `forget` has no process give what it has under a name."""

    def __init__(
        self,
        memory: Memory,
        standing: Standing,
        tier: Tier,
        store: EntryStore,
        reads: ReadThrough,
        config: CacheConfig,
        clock: Clock,
        counters: Counters,
        serializer: Serializer,
        forget: Callable[[str], Awaitable[None]],
    ) -> None:
        self._memory = memory
        self._standing = standing
        self._tier = tier
        self._store = store
        self._reads = reads
        self._config = config
        self._clock = clock
        self._counters = counters
        self._serializer = serializer
        self._forget = forget

    async def get_many(self, keys: Sequence[str], prefix: str = "temp") -> dict[str, Any]:
        """The values that are there, by key; all are asked for at once."""
        names = [self.key(key, prefix) for key in keys]
        values = await asyncio.gather(*map(self._find, names))
        for name, (value, tier) in zip(names, values, strict=True):
            if value is _ABSENT:
                self._counters.loaded(name)
            else:
                self._counters.hit(name, tier)
        return {key: value for key, (value, _) in zip(keys, values, strict=True) if value is not _ABSENT}

    async def set(
        self, key: str, value: Any, ttl: int | None = None, prefix: str = "temp", tags: Iterable[str] = ()
    ) -> bool:
        """Keep a value for `ttl` seconds (None: the prefix's TTL); whether it was stored.

        Raises TypeError or ValueError for what the serializer cannot hold, for a bad TTL, and for too many tags.
        """
        policy = self._policy(prefix, ttl, tags)
        name = self.key(key, prefix)
        loaded = self._loaded(name, value)
        try:
            epoch = self._tier.epoch
            tokens = tuple(token for token in await self._tier.snapshot(policy.tags) if token is not None)
        except TierUnavailable:
            return False
        if len(tokens) < len(policy.tags) or self._standing.forbids(policy.tags):
            return False
        if await self._store.put(name, self._store.make(name, policy, loaded, tokens, epoch)) is None:
            return False
        await self._forget(name.name)
        return True

    async def get_or_load(
        self, key: str, loader: Callable[[], Awaitable[Any]], policy: CachePolicy, *, is_counted: bool = True
    ) -> Seen:
        """The value of `key`, loaded once by all who miss it, and what it was read under.

        Raises what `loader` raises, and TooManyLoads. One that the serializer cannot read is deleted and loaded.
        """
        name = self.key(key, policy.prefix)

        async def load() -> Loaded:
            return self._loaded(name, await loader())

        full = self._policy(policy.prefix, policy.ttl, policy.tags, policy.freshness, policy.consistency)
        entry, fence = await self._read_value(Read(name, full, load, is_counted=is_counted))
        try:
            value = self._value(entry)
        except UndecodableBody as failure:
            self.unreadable(name, failure)
            again = Read(name, full, load, Demand(reload=True), is_counted=is_counted)
            entry, fence = await self._read_value(again)
            value = self._value(entry)
        # An entry that is not in the tier is under no tokens: those of its tags are not known.
        tokens = dict(zip(entry.tags, entry.tokens, strict=True)) if entry.tokens else dict.fromkeys(full.tags)
        return Seen(value, Vintage(tokens, fence), name.name, entry)

    # Parts

    def key(self, key: str, prefix: str) -> CacheKey:
        """What a program's own key is called by the cache."""
        return manual_key(namespace=self._config.namespace, prefix=prefix, key=key)

    def _policy(
        self,
        prefix: str,
        ttl: int | None,
        tags: Iterable[str],
        freshness: Freshness = DEFAULT,
        consistency: Consistency | None = None,
    ) -> CachePolicy:
        own = prefix_tag(prefix)
        every = (own, *(tag for tag in dict.fromkeys(tags) if tag != own))
        chosen = self._config.ttl_of(prefix) if ttl is None else ttl
        return CachePolicy(chosen, prefix, every, freshness, consistency)

    def _loaded(self, key: CacheKey, value: Any) -> Loaded:
        return Loaded(self._serializer.dump(value, key.canonical), codec=self._serializer.codec)

    async def _read_value(self, read: Read) -> tuple[Entry, Fence]:
        served = await self._reads.read(read)
        assert served.entry is not None, "a loader of values always gives one"  # noqa: S101
        return served.entry, served.fence

    def _value(self, entry: Entry) -> Any:
        """The value in `entry`; raises UndecodableBody, also for one that another serializer wrote."""
        if entry.codec != self._serializer.codec:
            raise UndecodableBody(f"it is of codec {entry.codec}, not {self._serializer.codec}")
        return self._serializer.load(plain_body(entry, self._config.max_body_bytes), entry.key)

    def unreadable(self, key: CacheKey, failure: Exception) -> None:
        """Note that what is stored under `key` cannot be read: whoever finds that has it loaded anew."""
        self._counters.errors += 1
        logger.error("the entry of %s cannot be read: %s", key, failure)

    async def _find(self, key: CacheKey) -> tuple[Any, str]:
        """The value of `key` under whatever tags it was set with, else _ABSENT, and the tier that was asked last.

        Tokens are read after the entry.
        """
        own = prefix_tag(key.prefix)
        try:
            kept = self._memory.get(key.name)
            if kept is not None and kept.key == key.canonical and kept.is_fresh(self._clock.now()):
                return self._value(kept), MEMORY
            if self._standing.forbids((own,)):
                return _ABSENT, TIER
            fence = self._memory.fence()
            fetched = await self._tier.fetch(key.name, (own,))
            if fetched.data is None:
                return _ABSENT, TIER
            entry = self._store.read(key, fetched.data)
            tokens = fetched.tokens
            if entry.tags != (own,):
                tokens = (await self._tier.fetch(key.name, entry.tags)).tokens
            valid = entry.key == key.canonical and entry.epoch == fetched.epoch and entry.tokens == tokens
            if not valid or self._standing.forbids(entry.tags) or not entry.is_fresh(self._clock.now()):
                return _ABSENT, TIER
            self._memory.put(key.name, entry, fence, bounded=self._config.consistency == "bounded")
            return self._value(entry), TIER
        except TierUnavailable:
            return _ABSENT, TIER
        except (UndecodableEntry, UndecodableBody) as failure:
            self.unreadable(key, failure)
            return _ABSENT, TIER
