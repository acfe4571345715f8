"""Loads: one for all who miss a key, and none that is given as newer than it is."""

import asyncio

import pytest
from redis.asyncio import Redis

from mina_api.cache.keys import manual_key
from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from tests.cache.origin import Origin
from tests.cache.services import a_cache

POLICY = CachePolicy(ttl=60, prefix="temp", tags=("meeting:1",))


KEY = manual_key(namespace="mina", prefix="temp", key="k")


class TestGetOrLoad:
    async def test_loads_once_for_a_thousand_over_two_processes(
        self, cache: CacheService, other: CacheService, origin: Origin
    ) -> None:
        origin.gate.clear()
        asking = [asyncio.create_task(each.get_or_load("k", origin.load, POLICY)) for each in (cache, other) * 500]
        await origin.reading.wait()
        origin.gate.set()

        assert set(await asyncio.gather(*asking)) == {1}
        assert origin.loads == 1

    async def test_serves_nothing_that_a_slow_reader_read_before_a_write(
        self, cache: CacheService, other: CacheService, origin: Origin
    ) -> None:
        origin.gate.clear()
        slow = asyncio.create_task(cache.get_or_load("k", origin.load, POLICY))
        await origin.reading.wait()
        origin.value = 2
        await other.invalidate_tags("meeting:1")

        later = asyncio.create_task(other.get_or_load("k", origin.load, POLICY))
        origin.gate.set()

        assert await slow == 1
        assert await later == 2
        assert await cache.get_or_load("k", origin.load, POLICY) == 2

    async def test_does_not_join_a_load_of_its_own_process_that_began_before_a_write(
        self, cache: CacheService, origin: Origin
    ) -> None:
        origin.gate.clear()
        slow = asyncio.create_task(cache.get_or_load("k", origin.load, POLICY))
        await origin.reading.wait()
        origin.value = 2
        await cache.invalidate_tags("meeting:1")

        later = asyncio.create_task(cache.get_or_load("k", origin.load, POLICY))
        await asyncio.sleep(0)
        origin.gate.set()

        assert (await slow, await later) == (1, 2)

    async def test_goes_on_when_the_leading_process_dies_without_a_word(
        self, valkey_url: str, other: CacheService, origin: Origin
    ) -> None:
        async with Redis.from_url(valkey_url) as client:
            await client.set(f"mina:lease:{{{KEY.name}}}", "a dead process", px=60)

            value = await other.get_or_load("k", origin.load, POLICY)

        assert (value, origin.loads) == (1, 1)

    async def test_loads_itself_when_the_leading_process_takes_too_long(self, valkey_url: str, origin: Origin) -> None:
        async with Redis.from_url(valkey_url) as client, a_cache(valkey_url, wait_seconds=0.05) as cache:
            await client.set(f"mina:lease:{{{KEY.name}}}", "a slow process", px=60_000)

            assert await cache.get_or_load("k", origin.load, POLICY) == 1
            assert await client.get(f"mina:lease:{{{KEY.name}}}") == b"a slow process"

    async def test_raises_what_the_loader_raises_and_keeps_nothing(self, cache: CacheService) -> None:
        async def fail() -> int:
            raise LookupError("gone")

        with pytest.raises(LookupError):
            await cache.get_or_load("k", fail, POLICY)

        assert await cache.get_or_load("k", Origin().load, POLICY) == 1
        assert cache.loads_in_flight == 0

    async def test_takes_no_second_slot_for_a_load_within_a_load(self, valkey_url: str) -> None:
        async with a_cache(valkey_url, max_concurrent_loads=1) as cache:

            async def outer() -> int:
                return 1 + int(await cache.get_or_load("inner", Origin().load, POLICY))

            assert await cache.get_or_load("outer", outer, POLICY) == 2
