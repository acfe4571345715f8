"""The read path: look up in memory, then in the tier; where neither has it load once and store.

Why nothing stale is served: a request compares an entry's tokens with the current ones, read after the
request began; a write gives its tags new tokens before it is acknowledged; and an entry is stored with tokens
that were read before its load began. So an entry that a request accepts was loaded after every write that was
acknowledged before the request (DESIGN section 3). A load may be shared only by those who saw its tokens. What
memory gives is as current as that (`memory.py`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from mina_api.cache.clock import Clock
from mina_api.cache.config import CacheConfig
from mina_api.cache.entry import Entry, UndecodableEntry
from mina_api.cache.freshness import Chance
from mina_api.cache.keys import CacheKey
from mina_api.cache.lease import Lease, new_owner
from mina_api.cache.loading import LoadSlots
from mina_api.cache.memory import Fence, Memory
from mina_api.cache.outcome import ANY, Demand, Loaded, Outcome, Served, Tokens
from mina_api.cache.policy import CachePolicy
from mina_api.cache.refreshing import Refresher
from mina_api.cache.single_flight import SingleFlight
from mina_api.cache.stats import Counters
from mina_api.cache.storing import EntryStore
from mina_api.cache.tier import Fetched, Tier, TierUnavailable

logger = logging.getLogger(__name__)

IsFailure = Callable[[Exception], Awaitable[bool]]
Load = Callable[[], Awaitable[Loaded | None]]

CHANGED = "changed"
STALE_IF_ERROR = "stale-if-error"
REDIS_DOWN = "redis-down"
MEMORY = "l1"
TIER = "l2"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The tokens of a policy's tags, and the server that gave them, read before a load begins and after `fence`."""

    tokens: tuple[bytes, ...]
    epoch: bytes
    fence: Fence = field(compare=False)


async def any_failure(_: Exception) -> bool:
    """What a loader of values raises is never an answer."""
    return True


@dataclass(frozen=True, slots=True)
class Read:
    """One request to the read path.

    `seen` are the tokens of what was read before and goes into the answer, such as who asks: where one of them has
    changed since, the answer is this caller's alone. `is_failure` tells what `load` raises because it could not
    answer, for `stale_if_error`, from an answer. `recipe` says how to ask this again, for warming.
    """

    key: CacheKey
    policy: CachePolicy
    load: Load
    demand: Demand = ANY
    seen: Tokens = field(default_factory=dict)
    is_failure: IsFailure = any_failure
    recipe: Callable[[], str] | None = None

    def is_older_than(self, snapshot: "Snapshot") -> bool:
        """Whether something that goes into the answer was read under other tokens than those of `snapshot`."""
        return any(
            tag in self.seen and self.seen[tag] != token
            for tag, token in zip(self.policy.tags, snapshot.tokens, strict=True)
        )


class ReadThrough:
    """Reads of one process through its memory and its tier."""

    def __init__(
        self,
        memory: Memory,
        tier: Tier,
        store: EntryStore,
        config: CacheConfig,
        clock: Clock,
        counters: Counters,
        chance: Chance,
    ) -> None:
        self._memory = memory
        self._tier = tier
        self._config = config
        self._clock = clock
        self._counters = counters
        self._store = store
        self._chance = chance
        self._refresher = Refresher(counters)
        self._slots = LoadSlots(config.max_concurrent_loads)
        self._flights: SingleFlight[Served] = SingleFlight()
        self._releases: set[asyncio.Task[None]] = set()

    @property
    def loads_in_flight(self) -> int:
        """How many loads are running or queued in this process."""
        return len(self._flights) + len(self._refresher)

    async def close(self) -> None:
        """End the loads in the background, and wait until every lease is given back."""
        await self._refresher.close()
        if self._releases:
            await asyncio.wait(self._releases)

    async def read(self, read: Read) -> Served:
        """The answer, from memory, the tier or the load; raises what the load raises."""
        key, policy, demand = read.key, read.policy, read.demand
        if not self._config.enabled or not demand.store:
            return await self._load_aside(read, Outcome.BYPASS)
        self._store.used(key, policy)
        kept = self._memory.get(key.name)
        if kept is not None and _answers(read, kept) and self._serves(read, kept):
            self._counters.hit(key)
            return Served(kept, Outcome.HIT, MEMORY)
        try:
            fetched, entry, fence = await self._look_up(read)
            if entry is not None and self._serves(read, entry):
                self._counters.hit(key)
                return Served(entry, Outcome.HIT, TIER)
            snapshot = None if demand.only_if_cached else await self._snapshot(policy, fetched, fence)
        except TierUnavailable:
            return await self._load_aside(read, Outcome.MISS, REDIS_DOWN)
        if demand.only_if_cached:
            self._counters.loaded(key)
            return Served(None, Outcome.MISS)
        if snapshot is None:
            return await self._load_aside(read, Outcome.BYPASS)
        if read.is_older_than(snapshot):
            self._counters.loaded(key, bypass=True)
            return await self._load(read, Outcome.BYPASS, None, CHANGED)
        try:
            return await self._load_once(read, _why(entry, self._clock.now()), snapshot)
        except Exception as failure:
            if entry is None or not await self._excuses(read, entry, failure):
                raise
            self._counters.errors += 1
            logger.exception("the load of %s failed: its last answer is served, as stale_if_error allows", key)
            return Served(entry, Outcome.HIT, STALE_IF_ERROR)

    def _serves(self, read: Read, entry: Entry) -> bool:
        """Whether `entry`, which is current, answers; has it loaded in the background where that is due."""
        now, freshness = self._clock.now(), read.policy.freshness
        if accepted := read.demand.accepts(entry, now):
            is_due = freshness.is_due(entry, now, self._chance)
        else:
            is_due = read.demand.leaves_freshness_to_us and freshness.serves_while_revalidating(entry, now)
        if is_due:
            self._refresher.start(read.key, lambda: self._refresh(read, entry))
        return accepted or is_due

    async def _excuses(self, read: Read, entry: Entry, failure: Exception) -> bool:
        """Whether `entry`, which was current when the request came, answers in the place of `failure`."""
        allowed = read.policy.freshness.serves_on_error(entry, self._clock.now())
        return allowed and read.demand.leaves_freshness_to_us and await read.is_failure(failure)

    async def _refresh(self, read: Read, served: Entry) -> None:
        """Load what `served` answers, unless another process does or has done it."""
        lease = Lease(self._tier, read.key.name, new_owner(), self._config.lease_seconds)
        may_be_ours = True
        try:
            left_seconds, (fetched, entry, fence) = await asyncio.gather(lease.acquire(), self._look_up(read))
            may_be_ours = left_seconds <= 0
            if not may_be_ours or (entry is not None and entry.created > served.created):
                return
            snapshot = await self._snapshot(read.policy, fetched, fence)
            if snapshot is None or read.is_older_than(snapshot):
                return
            async with lease.renewed():
                await self._load(read, Outcome.STALE, snapshot)
        except TierUnavailable:
            return
        finally:
            if may_be_ours:
                self._give_back(lease)

    async def _look_up(self, read: Read) -> tuple[Fetched, Entry | None, Fence]:
        """What the tier has, the entry if it is current, and the fence that was taken before."""
        fence = self._memory.fence()
        fetched = await self._tier.fetch(read.key.name, read.policy.tags)
        entry = await self._current(read, fetched)
        if entry is not None:
            self._memory.put(read.key.name, entry, fence)
        return fetched, entry, fence

    async def _current(self, read: Read, fetched: Fetched) -> Entry | None:
        """The entry that was fetched, if it is this key's, of this server, and under the current tokens."""
        key = read.key
        if fetched.data is None:
            return None
        try:
            entry = self._store.read(key, fetched.data)
        except UndecodableEntry as failure:
            self._counters.errors += 1
            logger.error("the entry of %s cannot be read, so it is deleted: %s", key, failure)
            with contextlib.suppress(TierUnavailable):
                await self._tier.delete([key.name])
            return None
        still_true = entry.tokens == fetched.tokens and entry.epoch == fetched.epoch
        return entry if still_true and _answers(read, entry) else None

    async def _snapshot(self, policy: CachePolicy, fetched: Fetched, fence: Fence) -> Snapshot | None:
        """Tokens to store under: those fetched, or made where absent; None where a writer holds one."""
        tokens = _usable(fetched.tokens)
        if len(tokens) < len(policy.tags):
            tokens = _usable(await self._tier.snapshot(policy.tags))
        return Snapshot(tokens, fetched.epoch, fence) if len(tokens) == len(policy.tags) else None

    async def _load_aside(self, read: Read, outcome: Outcome, detail: str | None = None) -> Served:
        """Load without storing; shared only with those who asked before the load began."""
        self._counters.loaded(read.key, bypass=outcome is Outcome.BYPASS)
        if read.demand.only_if_cached:
            return Served(None, outcome, detail)
        return await self._fly(
            lambda: self._load(read, outcome, None, detail), ("aside", read.key.canonical), fresh=True
        )

    async def _load_once(self, read: Read, outcome: Outcome, snapshot: Snapshot) -> Served:
        """Load and store, as the only one in this process and, unless told to reload, in all processes."""
        self._counters.loaded(read.key)
        if outcome is Outcome.REQUEST:
            return await self._fly(
                lambda: self._load(read, outcome, snapshot),
                ("reload", read.key.canonical, snapshot),
                fresh=True,
            )
        return await self._fly(
            lambda: self._lead(read, outcome, snapshot),
            (read.key.canonical, read.policy.tags, snapshot),
        )

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
        name = read.key.name
        lease = Lease(self._tier, name, new_owner(), self._config.lease_seconds)
        deadline = self._clock.monotonic() + self._config.wait_seconds
        may_be_ours = True
        try:
            with self._tier.watch(name) as released:
                while True:
                    released.clear()
                    may_be_ours = True
                    try:
                        left_seconds, (fetched, entry, fence) = await asyncio.gather(
                            lease.acquire(), self._look_up(read)
                        )
                    except TierUnavailable:
                        return await self._load(read, Outcome.MISS, None, REDIS_DOWN)
                    may_be_ours = left_seconds <= 0
                    if entry is not None and read.demand.accepts(entry, self._clock.now()):
                        return Served(entry, outcome, collapsed=True)
                    if may_be_ours:
                        async with lease.renewed():
                            return await self._load(read, outcome, _newer(snapshot, read, fetched, fence))
                    remaining = deadline - self._clock.monotonic()
                    if remaining <= 0:
                        return await self._load(read, outcome, snapshot)
                    await _wait(released, min(left_seconds, remaining))
        finally:
            if may_be_ours:
                self._give_back(lease)

    async def _load(self, read: Read, outcome: Outcome, snapshot: Snapshot | None, detail: str | None = None) -> Served:
        async with self._slots.take():
            started = self._clock.monotonic()
            loaded = await read.load()
            seconds = self._clock.monotonic() - started
        if loaded is None:
            return Served(None, outcome, detail)
        tokens, epoch = (snapshot.tokens, snapshot.epoch) if snapshot is not None else ((), b"")
        entry = self._store.make(read.key, read.policy, loaded, tokens, epoch, seconds)
        if snapshot is None or not loaded.storable or (packed := await self._store.put(read.key, entry)) is None:
            return Served(entry, outcome, detail)
        self._memory.put(read.key.name, packed, snapshot.fence)
        return Served(entry, outcome, detail, stored=True)

    def _give_back(self, lease: Lease) -> None:
        """Release in a task of its own: neither a cancelled load nor an answer waits for it."""
        task = asyncio.create_task(lease.release())
        self._releases.add(task)
        task.add_done_callback(self._releases.discard)


def _answers(read: Read, entry: Entry) -> bool:
    """Whether `entry` is of this very question: names of two may be the same digest."""
    return entry.key == read.key.canonical and entry.tags == read.policy.tags


def _usable(tokens: tuple[bytes | None, ...]) -> tuple[bytes, ...]:
    return tuple(token for token in tokens if token is not None and not token.startswith(b"!"))


def _newer(snapshot: Snapshot, read: Read, fetched: Fetched, fence: Fence) -> Snapshot:
    """The tokens that were fetched last, if an entry can be stored under them."""
    tokens = _usable(fetched.tokens)
    if len(tokens) < len(read.policy.tags):
        return snapshot
    newer = Snapshot(tokens, fetched.epoch, fence)
    return snapshot if read.is_older_than(newer) else newer


def _why(entry: Entry | None, now: float) -> Outcome:
    if entry is None:
        return Outcome.MISS
    return Outcome.REQUEST if entry.is_fresh(now) else Outcome.STALE


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
