"""What is asked for most, and asking for it again."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mina_api.cache.keys import manual_key
from mina_api.cache.outcome import Loaded
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock
from mina_api.cache.usage import DAY_SECONDS, KEPT, Usage
from mina_api.cache.warming import WarmProgress, warm
from tests.cache.services import a_cache, a_faulty_cache, until


class TestUsage:
    def test_counts_by_what_asks_again(self) -> None:
        usage = Usage()
        for _ in range(3):
            usage.count("a", lambda: "ask a")
        usage.count("b", lambda: "ask b")

        assert usage.take() == {"ask a": 3, "ask b": 1}
        assert usage.take() == {}

    def test_keeps_what_is_asked_for_often_among_ever_new_keys(self) -> None:
        usage = Usage()
        for number in range(5 * KEPT):
            for _ in range(2):
                usage.count("often", lambda: "often")
            usage.count(f"{number}", partial(str, number))

        taken = usage.take()
        assert len(taken) <= 2 * KEPT
        assert taken["often"] == 10 * KEPT

    @given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
    def test_counts_what_was_put_back_with_the_rest(self, one: list[str], other: list[str]) -> None:
        usage = Usage()
        for key in one:
            usage.count(key, partial("ask {}".format, key))
        usage.put_back(usage.take())
        for key in other:
            usage.count(key, partial("ask {}".format, key))

        assert usage.take() == {f"ask {key}": [*one, *other].count(key) for key in {*one, *other}}


async def ask(cache: CacheService, name: str, times: int) -> None:
    async def load() -> Loaded:
        return Loaded(b"")

    key = manual_key(namespace="mina", prefix="temp", key=name)
    for _ in range(times):
        await cache.read(Read(key, CachePolicy(60), load, recipe=lambda: name))


class TestMostUsed:
    async def test_is_of_all_processes_today_and_yesterday(self, valkey_url: str, clock: FakeClock) -> None:
        async with a_cache(valkey_url, clock=clock) as one, a_cache(valkey_url, clock=clock) as other:
            await ask(one, "a", 2)
            await ask(other, "a", 2)
            await ask(other, "b", 3)
            assert await other.most_used() == ["b", "a"]
            assert await one.most_used() == ["a", "b"]
            clock.advance(86_400)
            await ask(one, "c", 5)
            assert await one.most_used(2) == ["c", "a"]
            clock.advance(86_400)
            assert await one.most_used() == ["c"]

    async def test_is_told_at_the_end_of_a_process(self, valkey_url: str, clock: FakeClock) -> None:
        async with a_cache(valkey_url, clock=clock) as one:
            await ask(one, "a", 1)
        async with a_cache(valkey_url, clock=clock) as other:
            assert await other.most_used() == ["a"]

    async def test_is_told_by_itself_and_again_where_redis_was_away(self, valkey_url: str) -> None:
        async with a_faulty_cache(valkey_url, usage_seconds=0.01) as (cache, tier):
            tier.fail("record_uses", times=2)
            await ask(cache, "a", 3)

            await until(lambda: tier.most_used(int(cache.clock.now() // DAY_SECONDS), 10))
            assert tier.calls["record_uses"] >= 3
            assert await cache.most_used() == ["a"]


@pytest.fixture
async def cache(valkey_url: str) -> AsyncIterator[CacheService]:
    async with a_cache(valkey_url) as cache:
        yield cache


class TestWarm:
    async def test_asks_for_the_most_used_first_and_says_how_far_it_is(self, cache: CacheService) -> None:
        for times, name in enumerate("abcd", start=1):
            await ask(cache, name, times)
        asked: list[str] = []
        told: list[WarmProgress] = []

        async def again(recipe: str) -> None:
            asked.append(recipe)

        done = await cache.warm(again, limit=3, concurrency=1, on_progress=told.append)

        assert asked == ["d", "c", "b"]
        assert told == [WarmProgress(3, answered) for answered in range(4)]
        assert (done.is_done, told[0].is_done) == (True, False)

    async def test_asks_for_so_many_at_once_and_no_more(self) -> None:
        running, most, entered, gate = 0, 0, asyncio.Event(), asyncio.Event()

        async def again(_: str) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            if running == 3:
                entered.set()
            await gate.wait()
            running -= 1

        warming = asyncio.create_task(
            warm([str(number) for number in range(20)], again, concurrency=3, on_progress=lambda _: None)
        )
        await entered.wait()
        gate.set()

        assert await warming == WarmProgress(20, 20)
        assert most == 3

    async def test_goes_on_after_a_failure(self, caplog: pytest.LogCaptureFixture) -> None:
        async def again(recipe: str) -> None:
            if recipe == "b":
                raise LookupError("gone")

        done = await warm(["a", "b", "c"], again, concurrency=2, on_progress=lambda _: None)

        assert done == WarmProgress(3, answered=2, failed=1)
        assert "warming b failed" in caplog.text

    async def test_of_nothing_is_done_at_once(self) -> None:
        async def again(_: str) -> None:
            raise AssertionError

        assert (await warm([], again, concurrency=1, on_progress=lambda _: None)).is_done

    async def test_needs_a_limit(self) -> None:
        async def again(_: str) -> None:
            raise AssertionError

        with pytest.raises(ValueError, match="at least one"):
            await warm(["a"], again, concurrency=0, on_progress=lambda _: None)
