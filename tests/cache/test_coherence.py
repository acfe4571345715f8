"""What peers may have a process do by another way than Redis: hold tags, serve for a while, serve without Redis."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from mina_api.cache.keys import manual_key
from mina_api.cache.outcome import Demand, Loaded, Outcome, Served
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.service import CacheService
from mina_api.dev.valkey import PrivateValkey
from tests.cache.services import a_cache, until

POLICY = CachePolicy(60, tags=("meeting:1",))
KEY = manual_key(namespace="mina", prefix="temp", key="k")


class Source:
    """What is cached: how often it was read."""

    def __init__(self) -> None:
        self.loads = 0
        self.reading = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> Loaded:
        self.loads += 1
        number = self.loads
        self.reading.set()
        await self.gate.wait()
        return Loaded(str(number).encode())


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cache(in_memory: CacheService) -> CacheService:
    return in_memory


@pytest.fixture
async def alone(private_valkey: PrivateValkey) -> AsyncIterator[CacheService]:
    """A cache whose Redis is lost, and whose peers vouch for its memory instead."""
    async with a_cache(private_valkey.url, memory_bytes=1_000_000) as started:
        private_valkey.kill()
        await until(lambda: _is_lost(started))
        await until(lambda: not started.serves_from_memory)
        started.coherence.permit_memory(math.inf)
        yield started


async def _is_lost(cache: CacheService) -> bool:
    await cache.get("k")
    return not cache.is_available


async def ask(cache: CacheService, source: Source, demand: Demand | None = None) -> Served:
    return await cache.read(Read(KEY, POLICY, source.load, demand or Demand()))


async def body(cache: CacheService, source: Source) -> tuple[bytes, Outcome, str | None]:
    served = await ask(cache, source)
    assert served.entry is not None
    return served.entry.body, served.outcome, served.detail


class TestHold:
    async def test_has_nothing_served_or_kept_under_its_tags_until_it_is_dropped(
        self, cache: CacheService, source: Source
    ) -> None:
        for _ in range(2):
            await ask(cache, source)
        cache.coherence.hold("a peer", ["meeting:1", "other"])
        held = cache.coherence.held
        while_held = [await body(cache, source) for _ in range(2)]
        cache.coherence.drop("a peer")

        assert (set(held), set(cache.coherence.held)) == ({"a peer"}, set())
        assert while_held == [(b"2", Outcome.BYPASS, None), (b"3", Outcome.BYPASS, None)]
        assert (await ask(cache, source)).outcome is Outcome.HIT

    async def test_of_two_peers_lasts_until_both_have_dropped_it(self, cache: CacheService, source: Source) -> None:
        for peer in ("one", "other"):
            cache.coherence.hold(peer, ["meeting:1"])
        cache.coherence.drop("one")
        outcomes = [(await ask(cache, source)).outcome]
        cache.coherence.drop("other")
        cache.coherence.drop("nobody")
        outcomes.append((await ask(cache, source)).outcome)

        assert outcomes == [Outcome.BYPASS, Outcome.MISS]

    async def test_keeps_out_of_memory_what_was_loaded_before_its_end(
        self, alone: CacheService, source: Source
    ) -> None:
        source.gate.clear()
        slow = asyncio.create_task(body(alone, source))
        await source.reading.wait()
        alone.coherence.hold("a peer", ["meeting:1"])
        alone.coherence.drop("a peer")
        source.gate.set()

        assert (await slow)[0] == b"1"
        assert (await body(alone, source))[0] == b"2"


class TestPermit:
    async def test_ends_and_nothing_is_served_from_then_on(self, cache: CacheService, source: Source) -> None:
        await ask(cache, source)
        cache.coherence.permit(0.0)
        without = [await body(cache, source) for _ in range(2)]
        cache.coherence.permit(math.inf)

        assert [(outcome, number) for number, outcome, _ in without] == [
            (Outcome.BYPASS, b"2"),
            (Outcome.BYPASS, b"3"),
        ]
        assert (await ask(cache, source)).outcome is Outcome.HIT

    async def test_to_serve_from_memory_is_enough_without_redis(self, alone: CacheService, source: Source) -> None:
        served = [await body(alone, source) for _ in range(3)]

        assert served == [(b"1", Outcome.MISS, "redis-down"), *[(b"1", Outcome.HIT, "l1")] * 2]
        assert alone.get_cache_stats()["misses"] >= 1

    async def test_is_no_permit_for_who_wants_no_older_answer(self, alone: CacheService, source: Source) -> None:
        """What a request says of how old its answer may be is for the tier alone to promise."""
        wants = (Demand(reload=True), Demand(max_age=0.0), Demand(only_if_cached=True))
        for demand in wants:
            await ask(alone, source, demand)

        assert alone.memory.get(KEY.name) is None

    async def test_gives_only_what_is_stored_to_who_wants_that(self, alone: CacheService, source: Source) -> None:
        nothing = await ask(alone, source, Demand(only_if_cached=True))
        await ask(alone, source)
        something = await ask(alone, source, Demand(only_if_cached=True))

        assert nothing.entry is None
        assert something.entry is not None and something.entry.body == b"1"

    async def test_loads_once_for_all_who_ask_without_redis(self, alone: CacheService, source: Source) -> None:
        source.gate.clear()
        asking = [asyncio.create_task(body(alone, source)) for _ in range(20)]
        await source.reading.wait()
        source.gate.set()

        assert {number for number, *_ in await asyncio.gather(*asking)} == {b"1"}
        assert source.loads == 1

    async def test_ends_when_it_starts_over(self, alone: CacheService, source: Source) -> None:
        await ask(alone, source)
        alone.coherence.start_over()

        assert [(await body(alone, source))[0] for _ in range(2)] == [b"2", b"3"]
        assert not alone.serves_from_memory
