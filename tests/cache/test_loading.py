"""So many loads at once, in turn, and no more than so many that wait."""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from mina_api.cache.config import CacheConfig
from mina_api.cache.fastapi import cache_response
from mina_api.cache.freshness import Freshness
from mina_api.cache.loading import LoadSlots, TooManyLoads
from mina_api.cache.no_tier import NoTier
from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from mina_api.cache.stats import Counters
from mina_api.cache.testing import FakeClock
from tests.cache.conftest import Serving
from tests.cache.routers import User, a_router, as_user
from tests.cache.services import a_cache, a_faulty_cache, until
from tests.cache.test_stampede import Load


@contextlib.asynccontextmanager
async def taken(slots: LoadSlots, owner: str) -> AsyncIterator[None]:
    slot = await slots.take(owner)
    try:
        yield
    finally:
        slots.give_back(slot)


class Slots:
    """Loads that end when they are told to, and the order in which they began."""

    def __init__(self, limit: int, waiting_limit: int = 1000) -> None:
        self.counters = Counters(FakeClock())
        self.slots = LoadSlots(limit, waiting_limit, self.counters)
        self.began: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}

    def load(self, name: str) -> "asyncio.Task[None]":
        """One of the owner that is the name's first letter, within no other load."""
        self.ends[name] = asyncio.Event()
        return asyncio.create_task(self._load(name), context=contextvars.Context())

    async def _load(self, name: str) -> None:
        async with taken(self.slots, name[0]):
            self.began.append(name)
            await self.ends[name].wait()

    def end(self, name: str) -> None:
        self.ends[name].set()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class TestLoadSlots:
    async def test_are_taken_in_turn_by_owner(self) -> None:
        slots = Slots(1)
        tasks = [slots.load(name) for name in ("a0", "a1", "a2", "b1")]
        await settled()
        waiting = slots.slots.waiting
        for name in slots.ends:
            slots.end(name)
        await asyncio.gather(*tasks)

        assert (waiting, slots.began) == (3, ["a0", "a1", "b1", "a2"])

    async def test_that_somebody_leaves_as_they_are_handed_over_are_handed_on(self) -> None:
        slots = Slots(1)
        async with taken(slots.slots, "a"):
            leaver, last = slots.load("a1"), slots.load("a2")
            await settled()
        leaver.cancel()
        slots.end("a2")
        await last

        assert (leaver.cancelled(), slots.began) == (True, ["a2"])

    async def test_are_not_waited_for_by_who_has_left(self) -> None:
        slots = Slots(1)
        first, leaver = slots.load("a0"), slots.load("a1")
        await settled()
        leaver.cancel()
        await settled()

        assert (leaver.cancelled(), slots.slots.waiting) == (True, 0)
        slots.end("a0")
        await first

    async def test_of_a_load_within_a_load_are_its_own(self) -> None:
        slots = LoadSlots(1, 0, Counters(FakeClock()))
        async with taken(slots, "a"), taken(slots, "b"):
            pass
        async with taken(slots, "a"):
            assert slots.waiting == 0

    async def test_are_refused_past_the_limit_to_who_has_most_waiting(self, caplog: pytest.LogCaptureFixture) -> None:
        slots = Slots(1, 2)
        tasks = {name: slots.load(name) for name in ("a0", "a1", "a2", "b1", "a3", "a4")}
        await settled()
        for name in slots.ends:
            slots.end(name)
        found = await asyncio.gather(*tasks.values(), return_exceptions=True)

        assert [name for name, each in zip(tasks, found, strict=True) if isinstance(each, TooManyLoads)] == [
            "a2",
            "a3",
            "a4",
        ]
        assert slots.counters.totals()["loads|refused"] == 3
        assert caplog.text.count("loads wait: more are refused") == 1


class TestValues:
    async def test_past_the_limit_are_refused_and_come_again(self) -> None:
        load = Load()
        cache = CacheService(NoTier(), CacheConfig(max_concurrent_loads=1, max_waiting_loads=1))
        asking = [asyncio.create_task(cache.get_or_load(f"{n}", load, CachePolicy(60))) for n in range(3)]
        await until(lambda: cache.loads_waiting == 1 and asking[2].done())
        load.go.set()
        found = await asyncio.gather(*asking, return_exceptions=True)

        assert [type(each) for each in found] == [int, int, TooManyLoads]
        assert await cache.get_or_load("2", load, CachePolicy(60)) == 1
        await cache.close()

    async def test_that_were_loaded_before_stand_in_for_refused_ones_as_stale_if_error_allows(
        self, valkey_url: str
    ) -> None:
        clock, load, hung = FakeClock(), Load(), Load()
        load.go.set()
        policy = CachePolicy(60, freshness=Freshness(stale_if_error=30))
        async with a_cache(valkey_url, clock=clock, max_concurrent_loads=1, max_waiting_loads=0) as cache:
            await cache.get_or_load("k", load, policy)
            clock.advance(70)
            busy = asyncio.create_task(cache.get_or_load("other", hung, policy))
            await hung.started.wait()

            stale = await cache.get_or_load("k", load, policy)
            clock.advance(30)
            with pytest.raises(TooManyLoads):
                await cache.get_or_load("k", load, policy)

            hung.go.set()
            await busy
        assert (stale, load.calls) == (1, 1)

    @pytest.mark.parametrize(("seconds", "is_served"), [(70, True), (95, False)])
    async def test_that_memory_has_stand_in_while_the_tier_is_lost_too(
        self, valkey_url: str, seconds: int, is_served: bool
    ) -> None:
        clock, load, failing = FakeClock(), Load(), Load(failure=OSError("lost"))
        load.go.set()
        failing.go.set()
        policy = CachePolicy(60, freshness=Freshness(stale_if_error=30))
        async with a_faulty_cache(valkey_url, clock=clock, memory_bytes=1_000_000) as (cache, tier):
            await until(lambda: cache.serves_from_memory)
            await cache.get_or_load("k", load, policy)
            clock.advance(seconds)
            tier.fail("fetch")

            found = await asyncio.gather(cache.get_or_load("k", failing, policy), return_exceptions=True)

        assert (list(found) == [1], isinstance(found[0], OSError)) == (is_served, not is_served)


class TestAnswers:
    async def test_past_the_limit_are_503_and_one_users_many_starve_no_other(self, serving: Serving) -> None:
        began: list[str] = []
        go = asyncio.Event()
        router = a_router()

        @router.get("/n/{number}")
        @cache_response(ttl=60)
        async def get_number(user: User, number: int) -> int:
            began.append(user)
            await go.wait()
            return number

        async with serving(router, max_concurrent_loads=1, max_waiting_loads=3) as client:

            def ask(user: str, number: int) -> "asyncio.Task[httpx.Response]":
                return asyncio.create_task(client.get(f"/n/{number}", headers=as_user(user)))

            first = ask("ada", 0)
            await until(lambda: began)
            many = [ask("ada", number) for number in range(1, 10)]
            await until(_are_done(many, 6))
            one = ask("bob", 1)
            await until(_are_done(many, 7))
            go.set()
            answers = await asyncio.gather(first, *many, one)

        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) == 7
        assert {answer.headers["retry-after"] for answer in refused} == {"2"}
        assert (answers[-1].status_code, began) == (200, ["ada", "ada", "bob", "ada"])


def _are_done(tasks: list[Any], number: int) -> Callable[[], bool]:
    return lambda: sum(task.done() for task in tasks) == number
