"""Loads of one process: one for each key in it, one in all processes where the tier can say whose turn it is.

A load may be shared only by those who saw what it will be stored under.
"""

import asyncio
import random
from collections.abc import Coroutine, Hashable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any

from mina_api.cache.alike import Copies
from mina_api.cache.clock import Clock
from mina_api.cache.config import CacheConfig
from mina_api.cache.entry import Entry
from mina_api.cache.key_lock import Contention
from mina_api.cache.lease import Lease, Leases
from mina_api.cache.loading import LoadSlots, TooManyLoads
from mina_api.cache.looking_up import Found, LookUp, newer
from mina_api.cache.memory import Memory
from mina_api.cache.outcome import Loaded, Outcome, Served
from mina_api.cache.reading import Read, Snapshot
from mina_api.cache.single_flight import SingleFlight
from mina_api.cache.source import Source
from mina_api.cache.stats import Counters
from mina_api.cache.storing import EntryStore
from mina_api.cache.tier import Tier, TierUnavailable
from mina_api.cache.tracing import traced

REDIS_DOWN = "redis-down"
# Before a load is run again.
PAUSES_SECONDS = (0.02, 0.1)
_AFTER_AN_ATTEMPT = (*PAUSES_SECONDS, None)


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
        self._flights: SingleFlight[Served] = SingleFlight(_collapsed)
        # The one that leads may wait for another process's load first.
        self._patience_seconds = 2 * config.wait_seconds
        self._leases = Leases(tier, config.lease_seconds)
        self._copies = Copies(clock, self._patience_seconds)
        memory.on_forgotten = self._copies.forget

    def __len__(self) -> int:
        return len(self._flights)

    @property
    def waiting(self) -> int:
        """How many wait for others to end."""
        return self._slots.waiting

    async def close(self) -> None:
        """Wait until every lease is given back."""
        await self._leases.close()

    def lease(self, read: Read) -> Lease:
        """The lease on the load of `read`, to be claimed."""
        return self._leases.of(read.key.name)

    def is_led(self, read: Read) -> bool:
        """Whether this process has claimed that lease: who comes waits for what comes of that."""
        return read.key.name in self._leases.claimed

    async def aside(self, read: Read, outcome: Outcome, detail: str | None = None) -> Served:
        """Load without keeping; shared only with those who asked before the load began."""
        flight = ("aside", read.key.canonical)
        locked = flight if detail == REDIS_DOWN else None
        load = partial(self.load, read, outcome, None, detail, locked)
        served = await self._flights.run_fresh(flight, load, patience_seconds=self._patience_seconds)
        return self._noted(read, served)

    async def into_memory(self, read: Read) -> Served:
        """Load where the tier is lost: kept in memory alone, as long as nothing that it is made of is forgotten."""
        snapshot = Snapshot((), b"", min(self._memory.fence(), read.seen.fence))
        flight = ("memory", read.key.canonical, read.policy.tags, snapshot.fence)
        load = partial(self.load, read, Outcome.MISS, snapshot, REDIS_DOWN, flight)
        served = await self._flights.run(flight, load, patience_seconds=self._patience_seconds)
        return self._noted(read, served)

    async def anew(self, read: Read, snapshot: Snapshot) -> Served:
        """Load and keep, for somebody who wants nothing that was there before."""
        flight = ("reload", *_shared(read, snapshot))
        load = partial(self.load, read, Outcome.REQUEST, snapshot, anew=True)
        return await self._flights.run_fresh(flight, load, patience_seconds=self._patience_seconds)

    def once(
        self, read: Read, outcome: Outcome, snapshot: Snapshot, found: Found, lease: Lease
    ) -> Coroutine[Any, Any, Served]:
        """Load and keep, as the only one in all processes; `lease`, which may be ours already, is given back then."""
        lead = partial(self._lead, read, outcome, snapshot, found.head, lease)
        flight = _shared(read, snapshot)
        return self._flights.run(flight, lead, patience_seconds=self._patience_seconds, on_end=lease.give_back)

    async def again(self, read: Read, served: Entry) -> None:
        """Load what `served` answers, unless another process does or has done it."""
        lease = self.lease(read)
        try:
            found = await self._look_up.find(read, lease, None)
            if not lease.is_ours or (found.entry is not None and found.entry.created > served.created):
                return
            snapshot = found.snapshot or await self._look_up.snapshot(read.policy, found)
            if snapshot is None or read.is_older_than(snapshot):
                return
            with lease:
                await self.load(read, Outcome.STALE, snapshot, lease=lease, anew=True)
        except (TierUnavailable, TooManyLoads):
            return
        finally:
            lease.give_back()

    async def load(
        self,
        read: Read,
        outcome: Outcome,
        snapshot: Snapshot | None,
        detail: str | None = None,
        flight: Hashable = None,
        lease: Lease | None = None,
        *,
        anew: bool = False,
    ) -> Served:
        """Load now; kept under `snapshot`, without one not at all. Raises what the load raises, and TooManyLoads.

        What is kept under a `lease` gives it back. Without `anew` what was loaded for a read that is alike will do.

        With a `flight` that several wait for, or that several waited for lately, no other process loads meanwhile.
        """
        slot = await self._slots.take(read.whose)
        try:
            if flight is not None:
                async with self._alone(read, flight):
                    loaded, seconds = await self._loaded(read)
            elif read.alike is not None and snapshot is not None:
                load = partial(self._loaded, read)
                loaded, seconds = await self._copies.load(read, read.alike(), snapshot, load, anew=anew)
            else:
                loaded, seconds = await self._loaded(read)
        finally:
            self._slots.give_back(slot)
        if loaded is None:
            return Served(None, outcome, detail)
        tokens, epoch = (snapshot.tokens, snapshot.epoch) if snapshot is not None else ((), b"")
        entry = self._store.make(read.key, read.policy, loaded, tokens, epoch, seconds)
        if snapshot is None or not loaded.storable:
            return Served(entry, outcome, detail)
        if not snapshot.tokens:
            self._memory.put(read.key.name, self._store.for_memory_alone(entry), snapshot.fence)
            return Served(entry, outcome, detail, fence=snapshot.fence)
        packed = await self._store.put(read.key, entry, lease)
        if packed is None:
            return Served(entry, outcome, detail, fence=snapshot.fence)
        self._memory.put(read.key.name, packed, snapshot.fence, bounded=self._config.is_bounded(read.policy))
        return Served(entry, outcome, detail, stored=True, fence=snapshot.fence)

    # Parts

    def _alone(self, read: Read, flight: Hashable) -> AbstractAsyncContextManager[None]:
        name = read.key.name
        is_wanted = self._flights.waiters(flight) > 1 or name in self._contention
        return self._source.key_lock.alone(name) if is_wanted else nullcontext()

    async def _loaded(self, read: Read) -> tuple[Loaded | None, float]:
        """What the load gives, and how long it took in seconds; run again after a failure that passes."""
        began = self._clock.monotonic()
        for pause_seconds in _AFTER_AN_ATTEMPT:
            try:
                loaded = await traced(read.load(), "cache.load", key=read.key.name)
                break
            except Exception as failure:
                if pause_seconds is None or not self._source.passes(failure):
                    raise
            self._counters.count("loads", "repeated")
            await asyncio.sleep(pause_seconds * random.uniform(0.5, 1))  # noqa: S311  (a pause, not a secret)
        return loaded, self._clock.monotonic() - began

    def _noted(self, read: Read, served: Served) -> Served:
        """`served`, once it is noted that its key is one that several ask for at once, if it is."""
        if served.collapsed:
            self._contention.note(read.key.name)
        return served

    async def _lead(self, read: Read, outcome: Outcome, snapshot: Snapshot, seen: bytes, lease: Lease) -> Served:
        """Load as the one process that does, or wait for the one that does and take its entry.

        `seen` is what the entry that is not good any more begins with. A load that takes too long elsewhere is done
        here as well.
        """
        if not lease.is_ours:
            waited = await self._wait_for_it(read, outcome, snapshot, seen, lease)
            if isinstance(waited, Served):
                return waited
            snapshot = waited
        with lease:
            return await self.load(read, outcome, snapshot, lease=lease)

    async def _wait_for_it(
        self, read: Read, outcome: Outcome, snapshot: Snapshot, seen: bytes, lease: Lease
    ) -> Served | Snapshot:
        """What another process has loaded, or what was loaded here after all; or what to load under, once it's ours."""
        deadline = self._clock.monotonic() + self._config.wait_seconds
        with self._tier.watch(read.key.name) as released:
            while True:
                released.clear()
                try:
                    found = await self._look_up.find(read, lease, seen)
                except TierUnavailable:
                    return await self.load(read, Outcome.MISS, None, REDIS_DOWN, _shared(read, snapshot))
                if found.entry is not None and read.demand.accepts(found.entry, self._clock.now()):
                    return Served(found.entry, outcome, collapsed=True, fence=found.fence)
                snapshot = newer(snapshot, read, found)
                if lease.is_ours:
                    return snapshot
                remaining = deadline - self._clock.monotonic()
                if remaining <= 0:
                    return await self.load(read, outcome, snapshot)
                if lease.left_seconds is None:
                    seen = found.head
                else:
                    await _wait(released, min(lease.left_seconds, remaining))


def _collapsed(served: Served) -> Served:
    """What those get who did not begin the load."""
    return served._replace(collapsed=True)


def _shared(read: Read, snapshot: Snapshot) -> tuple[object, ...]:
    """What those have in common who may share a load that is stored under `snapshot`."""
    # Its parts: to hash it itself takes several times as long.
    return (read.key.canonical, read.policy.tags, snapshot.tokens, snapshot.epoch)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
