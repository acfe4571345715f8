"""While the tier is lost: who loads what many want says so, and who is alone does not."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mina_api.cache.config import CacheConfig
from mina_api.cache.key_lock import MOST_KEYS, Contention
from mina_api.cache.no_tier import NoTier
from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from mina_api.cache.source import Source
from mina_api.cache.testing import FakeClock
from tests.cache.services import a_faulty_cache
from tests.cache.test_stampede import Load

POLICY = CachePolicy(60)


class NotedLock:
    """Notes what is locked."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[None]:
        self.names.append(name)
        yield


class Process:
    """A cache without a tier, whose loads end at once unless it is said otherwise."""

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self.lock, self.clock, self.load = NotedLock(), FakeClock(), Load()
        self.cache = CacheService(NoTier(), CacheConfig(), clock=self.clock, source=Source(self.lock))
        if keeps:
            self.cache.coherence.permit_memory(math.inf)
        self.load.go.set()

    async def ask(self, times: int = 1) -> None:
        """Ask for one key so often at once."""
        await asyncio.gather(*(self.cache.get_or_load("k", self.load, POLICY) for _ in range(times)))


@pytest.fixture(params=[True, False], ids=["in memory", "nowhere"])
async def process(request: pytest.FixtureRequest) -> AsyncIterator[Process]:
    started = Process(keeps=request.param)
    await started.cache.start()
    yield started
    await started.cache.close()


class TestLoads:
    async def test_that_one_asks_for_are_not_locked(self, process: Process) -> None:
        for _ in range(3):
            await process.ask()
            process.clock.advance(100)

        assert (process.lock.names, process.load.calls) == ([], 3)

    async def test_that_many_ask_for_at_once_are_locked_once_for_all(self, process: Process) -> None:
        await process.ask(100)

        # Who may only have what was loaded after they asked leaves the first load to who asked first.
        assert (process.lock.names, process.load.calls) == (["mina:temp:k"], 1 if process.keeps else 2)

    async def test_that_many_asked_for_lately_are_locked(self, process: Process) -> None:
        process.load.go.clear()
        first = asyncio.create_task(process.ask())
        await process.load.started.wait()
        later = asyncio.create_task(process.ask(2))
        await asyncio.sleep(0)
        process.load.go.set()
        await asyncio.gather(first, later)
        process.lock.names.clear()

        for seconds in (31, 31, 31):
            process.clock.advance(seconds)
            await process.ask()

        assert process.lock.names == ["mina:temp:k"]

    async def test_that_lose_the_tier_on_their_way_are_locked(self, valkey_url: str) -> None:
        lock, load = NotedLock(), Load()
        load.go.set()
        async with a_faulty_cache(valkey_url, source=Source(lock)) as (cache, tier):
            await tier.claim("mina:temp:k", (), "another process", 600)
            with tier.paused("snapshot") as gate:
                asking = [asyncio.create_task(cache.get_or_load("k", load, POLICY)) for _ in range(10)]
                await gate.reached.wait()
                tier.fail("claim")
            await asyncio.gather(*asking)

        assert (lock.names, load.calls) == (["mina:temp:k"], 1)


class TestContention:
    def test_is_remembered_for_so_long_and_of_so_many_keys(self) -> None:
        clock = FakeClock()
        contention = Contention(clock, 60)
        contention.note("old")
        for number in range(MOST_KEYS):
            contention.note(f"{number}")
        clock.advance(59)
        before = ["old" in contention, "0" in contention]
        contention.note("0")
        clock.advance(2)

        assert before == [False, True]
        assert ["0" in contention, "1" in contention] == [True, False]
