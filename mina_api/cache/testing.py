"""For tests of programs that use the cache: a clock that stands, a tier that fails when told to, a promise checked."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from mina_api.cache.memory import Memory
from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from mina_api.cache.tier import Claimed, Fetched, FetchedAll, ServerMemory, Tier, TierUnavailable

T = TypeVar("T")


class FakeClock:
    """Wall-clock and monotonic time that move together, by `advance` alone; seconds."""

    def __init__(self, now: float = 1_795_500_000.0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += seconds
        self._monotonic += seconds


class Gate:
    """Where calls wait: `reached` is set when the first has come."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._opened = asyncio.Event()

    async def pass_through(self) -> None:
        """Wait until it is open."""
        self.reached.set()
        await self._opened.wait()

    def open(self) -> None:
        """Let all pass."""
        self._opened.set()


class FaultyTier:
    """A tier before another one, whose calls fail, lose their reply, or wait, as a test says; `calls` counts them."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self._before: dict[str, int] = {}
        self._after: dict[str, int] = {}
        self._gates: dict[str, Gate] = {}
        self.calls: Counter[str] = Counter()

    def fail(self, *methods: str, times: int = 1_000_000) -> None:
        """The next `times` calls of `methods` raise TierUnavailable and do nothing."""
        self._before.update(dict.fromkeys(methods, times))

    def lose_reply(self, *methods: str, times: int = 1_000_000) -> None:
        """The next `times` calls of `methods` do what they do, and raise TierUnavailable then."""
        self._after.update(dict.fromkeys(methods, times))

    def heal(self) -> None:
        """No call fails any more."""
        self._before.clear()
        self._after.clear()

    @contextmanager
    def paused(self, method: str) -> Iterator[Gate]:
        """For the length of the block, calls of `method` wait at the gate."""
        gate = self._gates[method] = Gate()
        try:
            yield gate
        finally:
            del self._gates[method]
            gate.open()

    async def _call(self, method: str, call: Coroutine[Any, Any, T]) -> T:
        self.calls[method] += 1
        try:
            if gate := self._gates.get(method):
                await gate.pass_through()
            _spend(self._before, method)
        except BaseException:
            call.close()
            raise
        result = await call
        _spend(self._after, method)
        return result

    async def start(self, memory: Memory) -> None:
        """As the tier behind."""
        await self._tier.start(memory)

    async def close(self) -> None:
        """As the tier behind."""
        await self._tier.close()

    @property
    def is_available(self) -> bool:
        """As the tier behind: a fault is one call's."""
        return self._tier.is_available

    @property
    def epoch(self) -> bytes:
        """As the tier behind."""
        return self._tier.epoch

    async def memory(self) -> ServerMemory:
        """As the tier behind, or a fault."""
        return await self._call("memory", self._tier.memory())

    async def fetch(self, key: str, tags: Sequence[str]) -> Fetched:
        """As the tier behind, or a fault."""
        return await self._call("fetch", self._tier.fetch(key, tags))

    async def fetch_all(self, keys: Sequence[str], tags: Sequence[str]) -> FetchedAll:
        """As the tier behind, or a fault."""
        return await self._call("fetch_all", self._tier.fetch_all(keys, tags))

    async def snapshot(self, tags: Sequence[str]) -> tuple[bytes | None, ...]:
        """As the tier behind, or a fault."""
        return await self._call("snapshot", self._tier.snapshot(tags))

    async def store(self, key: str, data: bytes, ttl_seconds: float, owner: str | None = None) -> None:
        """As the tier behind, or a fault."""
        await self._call("store", self._tier.store(key, data, ttl_seconds, owner))

    async def delete(self, keys: Sequence[str]) -> int:
        """As the tier behind, or a fault."""
        return await self._call("delete", self._tier.delete(keys))

    async def forget(self, keys: Sequence[str]) -> None:
        """As the tier behind, or a fault."""
        await self._call("forget", self._tier.forget(keys))

    async def hold(self, tags: Sequence[str], owner: str, seconds: float) -> None:
        """As the tier behind, or a fault."""
        await self._call("hold", self._tier.hold(tags, owner, seconds))

    async def lift(self, tags: Sequence[str], owners: Sequence[str]) -> None:
        """As the tier behind, or a fault."""
        await self._call("lift", self._tier.lift(tags, owners))

    async def record_uses(self, day: int, counts: Mapping[str, int], keep: int) -> None:
        """As the tier behind, or a fault."""
        await self._call("record_uses", self._tier.record_uses(day, counts, keep))

    async def most_used(self, day: int, limit: int) -> dict[str, int]:
        """As the tier behind, or a fault."""
        return await self._call("most_used", self._tier.most_used(day, limit))

    async def claim(
        self, key: str, tags: Sequence[str], owner: str, seconds: float, seen: bytes | None = None
    ) -> Claimed:
        """As the tier behind, or a fault."""
        return await self._call("claim", self._tier.claim(key, tags, owner, seconds, seen))

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """As the tier behind, or a fault."""
        return await self._call("renew", self._tier.renew(key, owner, seconds))

    async def release(self, key: str, owner: str) -> None:
        """As the tier behind, or a fault."""
        await self._call("release", self._tier.release(key, owner))

    def watch(self, key: str) -> AbstractContextManager[asyncio.Event]:
        """As the tier behind."""
        return self._tier.watch(key)


def _spend(faults: dict[str, int], method: str) -> None:
    if faults.get(method, 0) > 0:
        faults[method] -= 1
        raise TierUnavailable(f"{method} fails, as the test asks")


async def assert_never_stale(
    caches: Sequence[CacheService],
    *,
    keys: int = 3,
    readers: int = 6,
    writers: int = 2,
    rounds: int = 60,
    seed: int = 0,
) -> None:
    """Read and write through `caches`, one for each process there would be; raises AssertionError for a stale read.

    A read is stale if it gives less than what was acknowledged before it began. A write is acknowledged once its
    hold is lifted. Loads and writes give way to each other at random, by `seed`.
    """
    chance = random.Random(seed)  # noqa: S311  (an order of events, not a secret)
    stored: Counter[int] = Counter()
    acknowledged: Counter[int] = Counter()

    async def give_way() -> None:
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)

    async def write() -> None:
        for _ in range(rounds):
            cache, key = chance.choice(caches), chance.randrange(keys)
            hold = await cache.hold([f"never-stale:{key}"])
            await give_way()
            stored[key] += 1
            version = stored[key]
            await give_way()
            if await hold.lift():
                acknowledged[key] = max(acknowledged[key], version)

    async def read() -> None:
        for _ in range(rounds):
            # A hit in memory gives way to nobody by itself.
            await give_way()
            cache, key = chance.choice(caches), chance.randrange(keys)
            policy = CachePolicy(60, tags=(f"never-stale:{key}",))

            async def load(key: int = key) -> int:
                version = stored[key]
                await give_way()
                return version

            known = acknowledged[key]
            found = await cache.get_or_load(f"never-stale:{key}", load, policy)
            if found < known:
                raise AssertionError(f"a read gave version {found} of key {key}, after {known} was acknowledged")

    async with asyncio.TaskGroup() as tasks:
        for work, count in ((write, writers), (read, readers)):
            for _ in range(count):
                tasks.create_task(work())
