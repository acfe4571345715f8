"""The cache as its user sees it: values and answers by key, invalidated by tag, loaded once."""

import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from mina_api.cache.adaptive import TtlExplanation
from mina_api.cache.auditing import Auditor
from mina_api.cache.clock import Clock, SystemClock
from mina_api.cache.coherence import Coherence
from mina_api.cache.config import CacheConfig
from mina_api.cache.deleting import Deleter
from mina_api.cache.examining import Examination, Examiner
from mina_api.cache.experiment import Experiment
from mina_api.cache.freshness import Chance
from mina_api.cache.health import CacheHealth, health_of
from mina_api.cache.invalidation import Invalidator, Journal, TagHold
from mina_api.cache.keys import CacheKey
from mina_api.cache.looking_up import Claim
from mina_api.cache.memory import Memory
from mina_api.cache.outcome import Seen, Served
from mina_api.cache.policy import CachePolicy
from mina_api.cache.read_through import ReadThrough
from mina_api.cache.reading import Read
from mina_api.cache.sealing import Sealer
from mina_api.cache.serializers import JSON, Serializer
from mina_api.cache.source import Source
from mina_api.cache.standing import Standing
from mina_api.cache.stats import CacheStats, Counters
from mina_api.cache.storing import EntryStore
from mina_api.cache.tags import prefix_tag, scope_tag
from mina_api.cache.tier import ServerMemory, Tier
from mina_api.cache.usage import Usage, UsageRecorder
from mina_api.cache.values import Values
from mina_api.cache.warming import Ask, WarmProgress, warm

logger = logging.getLogger(__name__)


class CacheService:
    """A cache over one tier; built and closed by the lifespan of the program that uses it.

    `serializer` writes the values that are set by hand; with a `sealer` every entry is encrypted at rest.
    `source` says what the cache has to know of where loads read from. `counters` count what it did, and what is counted
    beside it.
    """

    def __init__(
        self,
        tier: Tier,
        config: CacheConfig | None = None,
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
        serializer: Serializer = JSON,
        sealer: Sealer | None = None,
        chance: Chance = random.random,
        source: Source | None = None,
    ) -> None:
        self.config = config or CacheConfig()
        self.clock = clock or SystemClock()
        self._tier = tier
        self.counters = Counters(self.clock)
        self._deleter = Deleter(tier, self.counters)
        # Leases end by a real clock: what they are agreed with is other processes.
        lease_clock = SystemClock().monotonic
        self._standing = Standing(lease_clock)
        self.memory = Memory(
            self.config.memory_bytes,
            lease_clock,
            self._standing,
            bound_seconds=self.config.memory_lease_seconds,
            wants_lease=self.config.consistency == "strict",
        )
        self.coherence = Coherence(self.memory, self._standing)
        self._store = EntryStore(tier, self.config, self.clock, self.counters, chance, sealer)
        self._reads = ReadThrough(
            self.memory,
            self._standing,
            tier,
            self._store,
            self.config,
            self.clock,
            self.counters,
            chance,
            source or Source(),
        )
        self._values = Values(
            self.memory,
            self._standing,
            tier,
            self._store,
            self._reads,
            self.config,
            self.clock,
            self.counters,
            serializer,
            self._deleter.forget,
        )
        self._examiner = Examiner(self.memory, self._standing, tier, self._store, self.clock.now)
        self.experiment = Experiment(self.config.control_share) if self.config.control_share else None
        self.auditor = Auditor(
            self._reads.look_up,
            self.counters,
            self._deleter.delete,
            self.config.audit_share,
            self.config.max_body_bytes,
            chance,
        )
        self._usage = Usage()
        self._recorder = UsageRecorder(self._usage, tier, self.clock, self.config.usage_seconds, self.counters.settle)
        self._invalidator = Invalidator(tier, self.config, self.counters, journal)

    async def start(self) -> None:
        """Reach for the tier."""
        await self._tier.start(self.memory)
        self._recorder.start()

    async def close(self) -> None:
        """Give back leases and close the tier."""
        await self.auditor.close()
        await self._reads.close()
        await self._recorder.close()
        await self._tier.close()

    @property
    def is_available(self) -> bool:
        """Whether the tier may be asked now."""
        return self._tier.is_available

    @property
    def epoch(self) -> str | None:
        """The tier's epoch; None while it is lost."""
        return self._tier.epoch.decode() if self._tier.is_available else None

    @property
    def serves_from_memory(self) -> bool:
        """Whether this process has a lease on what it has in memory."""
        return self.memory.is_valid

    @property
    def loads_in_flight(self) -> int:
        """How many loads are running or queued in this process."""
        return self._reads.loads_in_flight

    @property
    def loads_waiting(self) -> int:
        """How many of them wait for others to end (`max_concurrent_loads`)."""
        return self._reads.loads_waiting

    # Answers

    def read(self, read: Read) -> Coroutine[Any, Any, Served]:
        """The answer of an endpoint, from memory, the tier or its load; raises what that raises, and TooManyLoads."""
        if read.recipe is not None:
            self._usage.count(read.key.canonical, read.recipe)
        return self._reads.read(read)

    # Values

    async def get(self, key: str, prefix: str = "temp", default: Any = None) -> Any:
        """The value set under `key`, or `default` where there is none that is fresh and valid."""
        return (await self.get_many([key], prefix)).get(key, default)

    async def get_many(self, keys: Sequence[str], prefix: str = "temp") -> dict[str, Any]:
        """The values that are there, by key; all are asked for at once."""
        return await self._values.get_many(keys, prefix)

    async def set(
        self, key: str, value: Any, ttl: int | None = None, prefix: str = "temp", tags: Iterable[str] = ()
    ) -> bool:
        """Keep a value for `ttl` seconds (None: the prefix's TTL); whether it was stored.

        Raises TypeError or ValueError for what the serializer cannot hold, for a bad TTL, and for too many tags.
        """
        return await self._values.set(key, value, ttl, prefix, tags)

    async def delete(self, key: str, prefix: str = "temp") -> bool:
        """Forget one value; whether it was there. For what other keys depend on, invalidate a tag."""
        name = self._values.key(key, prefix)
        is_deleted = await self.drop(name.name)
        if is_deleted:
            logger.info("deleted: %s", name)
        return is_deleted

    async def get_or_load(self, key: str, loader: Callable[[], Awaitable[Any]], policy: CachePolicy) -> Any:
        """The value of `key`, loaded once by all who miss it; raises what `loader` raises, and TooManyLoads.

        One that the serializer cannot read is deleted and loaded.
        """
        return (await self._values.get_or_load(key, loader, policy)).value

    async def get_or_load_seen(self, key: str, loader: Callable[[], Awaitable[Any]], policy: CachePolicy) -> Seen:
        """As `get_or_load`, with the tokens that it was read under: an `Identity` made of it says them.

        It is not counted: each request asks for who makes it, and would count twice.
        """
        return await self._values.get_or_load(key, loader, policy, is_counted=False)

    def unreadable(self, key: CacheKey, failure: Exception) -> None:
        """Note that what is stored under `key` cannot be read: whoever finds that has it loaded anew."""
        self._values.unreadable(key, failure)

    # Invalidation

    async def hold(self, tags: Iterable[str], owner: str | None = None) -> TagHold:
        """Phase 1 of a write: call it as the last step before COMMIT, and `lift` what it gives after it.

        `owner`, a name that no other hold ever has, lets another process lift it.
        """
        return await self._invalidator.hold(tags, owner)

    async def lift(self, tags: Sequence[str], owners: Sequence[str]) -> None:
        """Phase 2 of writes whose own processes did not get to it; raises TierUnavailable."""
        await self._tier.lift(tags, owners)

    async def invalidate_tags(self, *tags: str) -> None:
        """Make every entry under `tags` unreadable, by all processes, before returning."""
        await self._invalidator.invalidate(tags)

    async def clear_prefix(self, prefix: str, scope: str | None = None) -> None:
        """Make every entry of `prefix` unreadable: those of `scope`, or without one all."""
        await self.invalidate_tags(prefix_tag(prefix) if scope is None else scope_tag(scope, prefix))

    def on_invalidation(self, seen: Callable[[Sequence[str]], None]) -> None:
        """Have `seen` told of the tags that this process invalidates from now on."""
        self._invalidator.seen = seen

    async def drop(self, name: str) -> bool:
        """Delete the entry of this name, and have no process give it any more; whether it was there."""
        return await self._deleter.delete(name)

    async def examine(self, name: str) -> Examination | None:
        """The entry of this name as it is in the tier, and why it is served or not; raises TierUnavailable."""
        return await self._examiner.examine(name)

    # Warming

    async def most_used(self, limit: int = 100) -> list[str]:
        """How to ask for what was asked for most since yesterday, in all processes; raises TierUnavailable."""
        await self._recorder.record()
        return await self._recorder.most_used(limit)

    async def warm(
        self,
        ask: Ask,
        *,
        limit: int = 100,
        concurrency: int = 4,
        on_progress: Callable[[WarmProgress], None] = lambda _: None,
    ) -> WarmProgress:
        """Have the `limit` most used questions asked by `ask`, the most used first, `concurrency` at a time.

        Raises TierUnavailable, and ValueError for a concurrency below one.
        """
        return await warm(await self.most_used(limit), ask, concurrency=concurrency, on_progress=on_progress)

    # What it did

    def explain_ttl(self, key: str, policy: CachePolicy) -> TtlExplanation:
        """The TTL that the next answer of `key` gets under `policy`, as this process has seen the key, and why."""
        return self._store.explain_ttl(self._values.key(key, policy.prefix), policy)

    async def verify(self, claim: Claim) -> bool:
        """Whether the tier still has what was claimed, and it is current; False where it cannot be asked."""
        return self._tier.is_available and await claim.is_true(self._tier, self._store, self.memory)

    def forbids(self, tags: Iterable[str]) -> bool:
        """Whether a peer holds one of `tags`, or has stopped vouching for what is cached here."""
        return self._standing.forbids(tags)

    def count_hits(self, key: CacheKey, tier: str, times: int, recipe: Callable[[], str] | None) -> None:
        """Count answers from memory, or from the tier, that were given without `read`."""
        self.counters.hit(key, tier, times)
        if recipe is not None:
            self._usage.count(key.canonical, recipe, times)

    def totals(self) -> dict[str, int]:
        """Every count of this process since its start, each under one name (`stats.groups` reads them)."""
        return self.counters.totals()

    def get_cache_stats(self) -> CacheStats:
        """This process's counters."""
        return self.counters.snapshot()

    async def server_memory(self) -> ServerMemory:
        """What the tier's server says of its memory; raises TierUnavailable."""
        return await self._tier.memory()

    async def health(self) -> CacheHealth:
        """How the tier is; never raises for a lost one."""
        return await health_of(self._tier, self.clock, self.config.slow_ms, self.get_cache_stats)
