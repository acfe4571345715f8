"""The read path: look up in memory, then in the tier; where neither has it load once and store.

Why nothing stale is served: a request compares an entry's tokens with the current ones, read after the
request began; a write gives its tags new tokens before it is acknowledged; and an entry is stored with tokens
that were read before its load began. So an entry that a request accepts was loaded after every write that was
acknowledged before the request (DESIGN section 3). What memory gives is as current as that
(`memory.py`); what a peer holds is neither given nor kept (`standing.py`).
"""

import logging
import time

from mina_api.cache.clock import Clock
from mina_api.cache.config import CacheConfig
from mina_api.cache.entry import Entry
from mina_api.cache.freshness import Chance
from mina_api.cache.loading import TooManyLoads
from mina_api.cache.loads import REDIS_DOWN, Loads
from mina_api.cache.looking_up import LookUp
from mina_api.cache.memory import Memory
from mina_api.cache.outcome import Outcome, Served
from mina_api.cache.reading import Read
from mina_api.cache.refreshing import Refresher
from mina_api.cache.source import Source
from mina_api.cache.standing import Standing
from mina_api.cache.stats import Counters
from mina_api.cache.storing import EntryStore
from mina_api.cache.tier import Tier, TierUnavailable

logger = logging.getLogger(__name__)

CHANGED = "changed"
STALE_IF_ERROR = "stale-if-error"
MEMORY = "l1"
TIER = "l2"
OUTSIDE = (Outcome.BYPASS, None)
WITHOUT_TIER = (Outcome.MISS, REDIS_DOWN)


class ReadThrough:
    """Reads of one process through its memory and its tier."""

    def __init__(
        self,
        memory: Memory,
        standing: Standing,
        tier: Tier,
        store: EntryStore,
        config: CacheConfig,
        clock: Clock,
        counters: Counters,
        chance: Chance,
        source: Source,
    ) -> None:
        self._memory = memory
        self._standing = standing
        self._tier = tier
        self._config = config
        self._clock = clock
        self._counters = counters
        self._uncounted = Counters(clock)
        self._store = store
        self._chance = chance
        self.look_up = LookUp(memory, tier, store, config, counters)
        self._loads = Loads(memory, tier, store, self.look_up, config, clock, counters, source)
        self._refresher = Refresher(counters)

    @property
    def loads_in_flight(self) -> int:
        """How many loads are running or queued in this process."""
        return len(self._loads) + len(self._refresher)

    @property
    def loads_waiting(self) -> int:
        """How many loads wait for others of this process to end."""
        return self._loads.waiting

    async def close(self) -> None:
        """End the loads in the background, and wait until every lease is given back."""
        await self._refresher.close()
        await self._loads.close()

    async def read(self, read: Read) -> Served:
        """The answer, from memory, the tier or the load; raises what the load raises."""
        began = time.perf_counter()
        key, policy = read.key, read.policy
        counters = self._counters if read.is_counted else self._uncounted
        if not self._config.enabled or not read.demand.store:
            served = await self._aside(read, counters, Outcome.BYPASS)
        else:
            self._store.used(key, policy)
            kept = self._memory.get(key.name)
            if kept is not None and read.is_answered_by(kept) and self._serves(read, kept):
                counters.hit(key, MEMORY)
                served = Served(kept, Outcome.HIT, MEMORY, fence=self._memory.fence())
            elif self._standing.forbids(policy.tags):
                served = await self._aside(read, counters, *(OUTSIDE if self._tier.is_available else WITHOUT_TIER))
            else:
                served = await self._by_tier(read, kept, counters)
        counters.took(_kind(served.outcome), time.perf_counter() - began)
        return served

    async def _by_tier(self, read: Read, kept: Entry | None, counters: Counters) -> Served:
        """The tier's answer, or the one that is loaded under what it says; where it has none, a lease is claimed."""
        key, may_load = read.key, not read.demand.only_if_cached
        lease = self._loads.lease(read)
        is_handed_over = False
        try:
            try:
                found = await self.look_up.find(read, lease if may_load and not self._loads.is_led(read) else None)
                entry = found.entry
                if entry is not None and self._serves(read, entry):
                    counters.hit(key, TIER)
                    return Served(entry, Outcome.HIT, TIER, fence=found.fence)
                snapshot = found.snapshot
                if may_load and snapshot is None:
                    snapshot = await self.look_up.snapshot(read.policy, found)
            except TierUnavailable:
                return await self._without_tier(read, kept, counters)
            if not may_load:
                counters.loaded(key)
                return Served(None, Outcome.MISS)
            if snapshot is None:
                lease.give_back()
                return await self._aside(read, counters, Outcome.BYPASS)
            if read.is_older_than(snapshot):
                lease.give_back()
                counters.loaded(key, bypass=True)
                return await self._loads.load(read, Outcome.BYPASS, None, CHANGED)
            counters.loaded(key, "miss" if entry is None else "stale")
            try:
                if entry is not None and entry.is_fresh(self._clock.now()):
                    return await self._loads.anew(read, snapshot)
                outcome = Outcome.MISS if entry is None else Outcome.STALE
                is_handed_over = True
                return await self._loads.once(read, outcome, snapshot, found, lease)
            except Exception as failure:
                return await self._excused(read, entry, failure, counters)
        finally:
            if not is_handed_over:
                lease.give_back()

    async def _aside(self, read: Read, counters: Counters, outcome: Outcome, detail: str | None = None) -> Served:
        """An answer that the cache has no part in."""
        counters.loaded(read.key, bypass=outcome is Outcome.BYPASS)
        if read.demand.only_if_cached:
            return Served(None, outcome, detail)
        return await self._loads.aside(read, outcome, detail)

    async def _without_tier(self, read: Read, kept: Entry | None, counters: Counters) -> Served:
        """An answer while the tier is lost, or the one that memory has, as `stale_if_error` allows."""
        try:
            return await self._load_without_tier(read, counters)
        except Exception as failure:
            # What was loaded without the tier is kept for a shorter time, and no longer than that.
            is_usable = kept is not None and read.is_answered_by(kept) and self._clock.now() < kept.stale_until
            return await self._excused(read, kept if is_usable else None, failure, counters)

    async def _load_without_tier(self, read: Read, counters: Counters) -> Served:
        """An answer that is kept in memory, and shared, as far as our peers vouch for that."""
        # While writers tell by the tier, their holds are not known without it: nothing may be kept then.
        is_kept = self._standing.is_alone and self._memory.is_valid
        if not is_kept or not read.demand.leaves_freshness_to_us or read.demand.only_if_cached:
            return await self._aside(read, counters, *WITHOUT_TIER)
        counters.loaded(read.key)
        return await self._loads.into_memory(read)

    def _serves(self, read: Read, entry: Entry) -> bool:
        """Whether `entry`, which is current, answers; has it loaded in the background where that is due."""
        now, freshness = self._clock.now(), read.policy.freshness
        if accepted := read.demand.accepts(entry, now):
            is_due = freshness.is_due(entry, now, self._chance)
        else:
            is_due = read.demand.leaves_freshness_to_us and freshness.serves_while_revalidating(entry, now)
        if is_due:
            self._refresher.start(read.key, lambda: self._loads.again(read, entry))
        return accepted or is_due

    async def _excused(self, read: Read, entry: Entry | None, failure: Exception, counters: Counters) -> Served:
        """`entry`, which was current when the request came, in the place of `failure`; raises that if it may not be."""
        if entry is None or not await self._excuses(read, entry, failure):
            raise failure
        counters.failed(read.key)
        # Who is refused is many at once: the refusals have a line of their own.
        if not isinstance(failure, TooManyLoads):
            logger.error(
                "the load of %s failed: its last answer is served, as stale_if_error allows", read.key, exc_info=failure
            )
        return Served(entry, Outcome.HIT, STALE_IF_ERROR)

    async def _excuses(self, read: Read, entry: Entry, failure: Exception) -> bool:
        """Whether `entry`, which was current when the request came, answers in the place of `failure`."""
        allowed = read.policy.freshness.serves_on_error(entry, self._clock.now())
        return allowed and read.demand.leaves_freshness_to_us and await read.is_failure(failure)


def _kind(outcome: Outcome) -> str:
    """What of outcomes differs in how long it takes."""
    if outcome is Outcome.HIT:
        return "hit"
    return "bypass" if outcome is Outcome.BYPASS else "miss"
