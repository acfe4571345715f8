"""The lease of a load, which is asked for with the look-up: one round trip before a load, and one after it."""

import asyncio

import pytest
from redis.asyncio import Redis

from mina_api.cache.keys import manual_key
from mina_api.cache.policy import CachePolicy
from mina_api.cache.redis_tier.channel import LARGE
from mina_api.cache.tier import HEAD_BYTES
from tests.cache.services import a_cache, a_faulty_cache, until
from tests.cache.test_stampede import Load

POLICY = CachePolicy(60, tags=("meeting:1",))
NAME = manual_key(namespace="mina", prefix="temp", key="k").name
LEASE = f"mina:lease:{{{NAME}}}"


class TestMiss:
    async def test_takes_one_round_trip_before_its_load_and_one_after_it(self, valkey_url: str, client: Redis) -> None:
        load = Load()
        load.go.set()
        async with a_faulty_cache(valkey_url) as (cache, tier):
            # Tags have their tokens from the first on.
            await cache.get_or_load("another", load, POLICY)
            before = tier.calls.copy()
            await cache.get_or_load("k", load, POLICY)

            assert tier.calls - before == {"claim": 1, "store": 1}
        assert await client.exists(NAME) and not await client.exists(LEASE)

    async def test_of_what_a_write_has_made_stale_takes_one_more(self, valkey_url: str, client: Redis) -> None:
        load = Load()
        load.go.set()
        async with a_faulty_cache(valkey_url) as (cache, tier):
            await cache.get_or_load("k", load, POLICY)
            await cache.invalidate_tags("meeting:1")
            before = tier.calls.copy()
            await cache.get_or_load("k", load, POLICY)

            assert tier.calls - before == {"claim": 2, "store": 1}
        assert load.calls == 2
        assert not await client.exists(LEASE)

    async def test_of_a_large_answer_gives_the_lease_back_after_it_is_stored(
        self, valkey_url: str, client: Redis
    ) -> None:
        async def load() -> str:
            return "x" * (2 * LARGE)

        async with a_cache(valkey_url, compress_over_bytes=1_000_000) as cache:
            await cache.get_or_load("k", load, POLICY)

            assert await client.strlen(NAME) > LARGE
            assert not await client.exists(LEASE)

    async def test_is_given_up_with_its_lease_before_its_load_began(self, valkey_url: str, client: Redis) -> None:
        load = Load()
        async with a_faulty_cache(valkey_url, lease_seconds=600.0) as (cache, tier):
            with tier.paused("snapshot") as gate:
                reading = asyncio.create_task(cache.get_or_load("k", load, POLICY))
                await gate.reached.wait()
                held = await client.exists(LEASE)
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading

            async def is_free() -> bool:
                return not await client.exists(LEASE)

            await until(is_free)
        assert (held, load.calls) == (1, 0)

    async def test_that_others_wait_for_keeps_its_lease_when_who_began_it_goes(
        self, valkey_url: str, client: Redis
    ) -> None:
        load = Load()
        async with a_faulty_cache(valkey_url, lease_seconds=600.0) as (cache, tier):
            first = asyncio.create_task(cache.get_or_load("k", load, POLICY))
            await load.started.wait()
            other = asyncio.create_task(cache.get_or_load("k", load, POLICY))
            await until(lambda: tier.calls["fetch"])
            await asyncio.sleep(0)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            owner = await client.get(LEASE)
            load.go.set()

            assert await other == 1
        assert owner is not None
        assert (load.calls, tier.calls["release"]) == (1, 0)

    async def test_of_many_at_once_claims_once(self, valkey_url: str) -> None:
        load = Load()
        async with a_faulty_cache(valkey_url) as (cache, tier):
            asking = [asyncio.create_task(cache.get_or_load("k", load, POLICY)) for _ in range(50)]
            await load.started.wait()
            load.go.set()
            await asyncio.gather(*asking)

        assert (load.calls, tier.calls["claim"]) == (1, 1)


class TestClaim:
    async def test_is_refused_where_the_entry_is_another_one(self, valkey_url: str, client: Redis) -> None:
        async with a_faulty_cache(valkey_url) as (_, tier):
            await client.set(NAME, b"0123456789abcdef and more")
            seen = b"0123456789abcdef"
            assert len(seen) == HEAD_BYTES

            for other in (b"", b"0123456789abcdeg"):
                claimed = await tier.claim(NAME, (), "one", 60, other)
                assert (claimed.left_seconds, claimed.fetched.data) == (None, b"0123456789abcdef and more")
            assert not await client.exists(LEASE)

            assert (await tier.claim(NAME, (), "one", 60, seen)).left_seconds == 0
            assert ((await tier.claim(NAME, (), "other", 60, seen)).left_seconds or 0) > 0
            assert ((await tier.claim(NAME, (), "other", 60)).left_seconds or 0) > 0

    async def test_takes_what_is_no_entry_for_none(self, valkey_url: str, client: Redis) -> None:
        async with a_faulty_cache(valkey_url) as (_, tier):
            await client.rpush(NAME, "x")

            claimed = await tier.claim(NAME, (), "one", 60, b"")

        assert (claimed.left_seconds, claimed.fetched.data) == (0, None)

    async def test_reads_the_entry_that_the_lease_was_given_back_with(self, valkey_url: str) -> None:
        async with a_faulty_cache(valkey_url) as (_, tier):
            await tier.claim(NAME, (), "one", 60, b"")
            with tier.watch(NAME) as released:
                left = (await tier.claim(NAME, (), "other", 60, b"")).left_seconds
                await tier.store(NAME, b"made by one", 60, "one")
                await asyncio.wait_for(released.wait(), 5)

                claimed = await tier.claim(NAME, (), "other", 60, b"")

        assert left is not None and left > 0
        assert (claimed.left_seconds, claimed.fetched.data) == (None, b"made by one")
