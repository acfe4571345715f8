"""Loads of one process: one for each key in it, one in all processes where the tier can say whose turn it is.

A load may be shared only by those who saw what it will be stored under.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace

from mina_api.cache.clock import Clock
from mina_api.cache.config import CacheConfig
from mina_api.cache.entry import Entry
from mina_api.cache.key_lock import Contention
from mina_api.cache.lease import Lease, new_owner
from mina_api.cache.loading import LoadSlots, TooManyLoads
from mina_api.cache.looking_up import LookUp, newer
from mina_api.cache.memory import Memory
from mina_api.cache.outcome import Loaded, Outcome, Served
from mina_api.cache.reading import Read, Snapshot
from mina_api.cache.single_flight import SingleFlight
from mina_api.cache.source import Source
from mina_api.cache.stats import Counters
from mina_api.cache.storing import EntryStore
from mina_api.cache.tier import Tier, TierUnavailable
from mina_api.cache.tracing import span

REDIS_DOWN = "redis-down"
# Before a load is run again.
PAUSES_SECONDS = (0.02, 0.1)


class Loads:
    """Runs the loads of reads, under a limit, and keeps what they made."""

    def __init__(
        self,
        memory: Memory,
        tier: Tier,
        store: EntryStore,
        look_up: LookUp,
        config: CacheConfig,
        clock: Clock,
        counters: Counters,
        source: Source,
    ) -> None:
        self._memory = memory
        self._tier = tier
        self._store = store
        self._look_up = look_up
        self._config = config
        self._clock = clock
        self._slots = LoadSlots(config.max_concurrent_loads, config.max_waiting_loads, counters)
        self._source = source
        self._counters = counters
        # For longer than memory alone keeps what was loaded: until it is loaded again.
        self._contention = Contention(clock, 2 * config.memory_ttl_without_tier)
        self._flights: SingleFlight[Served] = SingleFlight()
        self._releases: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._flights)

    @property
    def waiting(self) -> int:
        """How many wait for others to end."""
        return self._slots.waiting

    async def close(self) -> None:
        """Wait until every lease is given back."""
        if self._releases:
            await asyncio.wait(self._releases)

    async def aside(self, read: Read, outcome: Outcome, detail: str | None = None) -> Served:
        """Load without keeping; shared only with those who asked before the load began."""
        flight = ("aside", read.key.canonical)
        locked = flight if detail == REDIS_DOWN else None
        served = await self._fly(lambda: self.load(read, outcome, None, detail, locked), flight, fresh=True)
        return self._noted(read, served)

    async def into_memory(self, read: Read) -> Served:
        """Load where the tier is lost: kept in memory alone, as long as nothing that it is made of is forgotten."""
        snapshot = Snapshot((), b"", min(self._memory.fence(), read.seen.fence))
        flight = ("memory", read.key.canonical, read.policy.tags, snapshot.fence)
        served = await self._fly(lambda: self.load(read, Outcome.MISS, snapshot, REDIS_DOWN, flight), flight)
        return self._noted(read, served)

    async def anew(self, read: Read, snapshot: Snapshot) -> Served:
        """Load and keep, for somebody who wants nothing that was there before."""
        return await self._fly(
            lambda: self.load(read, Outcome.REQUEST, snapshot), ("reload", read.key.canonical, snapshot), fresh=True
        )

    async def once(self, read: Read, outcome: Outcome, snapshot: Snapshot) -> Served:
        """Load and keep, as the only one in all processes."""
        return await self._fly(lambda: self._lead(read, outcome, snapshot), _shared(read, snapshot))

    async def again(self, read: Read, served: Entry) -> None:
        """Load what `served` answers, unless another process does or has done it."""
        lease = self._lease(read)
        may_be_ours = True
        try:
            left_seconds, found = await asyncio.gather(lease.acquire(), self._look_up.find(read))
            may_be_ours = left_seconds <= 0
            if not may_be_ours or (found.entry is not None and found.entry.created > served.created):
                return
            snapshot = await self._look_up.snapshot(read.policy, found)
            if snapshot is None or read.is_older_than(snapshot):
                return
            async with lease.renewed():
                await self.load(read, Outcome.STALE, snapshot)
        except (TierUnavailable, TooManyLoads):
            return
        finally:
            if may_be_ours:
                self._give_back(lease)

    async def load(
        self,
        read: Read,
        outcome: Outcome,
        snapshot: Snapshot | None,
        detail: str | None = None,
        flight: Hashable = None,
    ) -> Served:
        """Load now; kept under `snapshot`, without one not at all. Raises what the load raises, and TooManyLoads.

        With a `flight` that several wait for, or that several waited for lately, no other process loads meanwhile.
        """
        async with self._slots.take(read.whose), self._alone(read, flight):
            started = self._clock.monotonic()
            with span("cache.load", key=read.key.name):
                loaded = await self._loaded(read)
            seconds = self._clock.monotonic() - started
        if loaded is None:
            return Served(None, outcome, detail)
        tokens, epoch = (snapshot.tokens, snapshot.epoch) if snapshot is not None else ((), b"")
        entry = self._store.make(read.key, read.policy, loaded, tokens, epoch, seconds)
        if snapshot is None or not loaded.storable:
            return Served(entry, outcome, detail)
        if not snapshot.tokens:
            self._memory.put(read.key.name, self._store.for_memory_alone(entry), snapshot.fence)
            return Served(entry, outcome, detail, fence=snapshot.fence)
        packed = await self._store.put(read.key, entry)
        if packed is None:
            return Served(entry, outcome, detail, fence=snapshot.fence)
        self._memory.put(read.key.name, packed, snapshot.fence, bounded=self._config.is_bounded(read.policy))
        return Served(entry, outcome, detail, stored=True, fence=snapshot.fence)

    # Parts

    def _alone(self, read: Read, flight: Hashable) -> AbstractAsyncContextManager[None]:
        name = read.key.name
        is_wanted = flight is not None and (self._flights.waiters(flight) > 1 or name in self._contention)
        return self._source.key_lock.alone(name) if is_wanted else nullcontext()

    async def _loaded(self, read: Read) -> Loaded | None:
        for pause_seconds in PAUSES_SECONDS:
            try:
                return await read.load()
            except Exception as failure:
                if not self._source.passes(failure):
                    raise
            self._counters.count("loads", "repeated")
            await asyncio.sleep(pause_seconds * random.uniform(0.5, 1))  # noqa: S311  (a pause, not a secret)
        return await read.load()

    def _noted(self, read: Read, served: Served) -> Served:
        """`served`, once it is noted that its key is one that several ask for at once, if it is."""
        if served.collapsed:
            self._contention.note(read.key.name)
        return served

    async def _fly(
        self,
        lead: Callable[[], Awaitable[Served]],
        key: tuple[object, ...],
        *,
        fresh: bool = False,
    ) -> Served:
        led = False

        async def first() -> Served:
            nonlocal led
            led = True
            return await lead()

        # The one that leads may wait for another process's load first.
        run = self._flights.run_fresh if fresh else self._flights.run
        served = await run(key, first, patience_seconds=2 * self._config.wait_seconds)
        return served if led else replace(served, collapsed=True)

    async def _lead(self, read: Read, outcome: Outcome, snapshot: Snapshot) -> Served:
        """Load as the one process that does, or wait for the one that does and take its entry.

        The lease is asked for and the entry read again in one turn, in this order: whoever gets the lease
        sees what its last owner stored. A load that takes too long elsewhere is done here as well.
        """
        lease = self._lease(read)
        deadline = self._clock.monotonic() + self._config.wait_seconds
        may_be_ours = True
        try:
            with self._tier.watch(read.key.name) as released:
                while True:
                    released.clear()
                    may_be_ours = True
                    try:
                        left_seconds, found = await asyncio.gather(lease.acquire(), self._look_up.find(read))
                    except TierUnavailable:
                        return await self.load(read, Outcome.MISS, None, REDIS_DOWN, _shared(read, snapshot))
                    may_be_ours = left_seconds <= 0
                    if found.entry is not None and read.demand.accepts(found.entry, self._clock.now()):
                        return Served(found.entry, outcome, collapsed=True, fence=found.fence)
                    if may_be_ours:
                        async with lease.renewed():
                            return await self.load(read, outcome, newer(snapshot, read, found))
                    remaining = deadline - self._clock.monotonic()
                    if remaining <= 0:
                        return await self.load(read, outcome, snapshot)
                    await _wait(released, min(left_seconds, remaining))
        finally:
            if may_be_ours:
                self._give_back(lease)

    def _lease(self, read: Read) -> Lease:
        return Lease(self._tier, read.key.name, new_owner(), self._config.lease_seconds)

    def _give_back(self, lease: Lease) -> None:
        """Release in a task of its own: neither a cancelled load nor an answer waits for it."""
        task = asyncio.create_task(lease.release())
        self._releases.add(task)
        task.add_done_callback(self._releases.discard)


def _shared(read: Read, snapshot: Snapshot) -> tuple[object, ...]:
    """What those have in common who may share a load that is stored under `snapshot`."""
    return (read.key.canonical, read.policy.tags, snapshot)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
