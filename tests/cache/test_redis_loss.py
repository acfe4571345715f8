"""What a Redis that refuses, goes away and comes back does to us."""

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from mina_api.cache.config import CacheConfig
from mina_api.cache.invalidation import CacheUnavailable
from mina_api.cache.memory import Memory
from mina_api.cache.outcome import Loaded
from mina_api.cache.policy import CachePolicy
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.redis_tier.channel import LARGE
from mina_api.cache.service import CacheService
from mina_api.cache.tier import TierRefused
from mina_api.dev.valkey import PrivateValkey
from tests.cache.proxy import a_proxy
from tests.cache.services import PATIENT, a_cache, available, until
from tests.measured import Measured

POLICY = CachePolicy(60, tags=("meeting:1",))


async def one() -> int:
    return 1


async def two() -> int:
    return 2


async def answer() -> Loaded:
    return Loaded(b"answer")


class TestConnections:
    async def test_are_waited_for_where_there_are_too_few(self, valkey_url: str) -> None:
        loads, go = 0, asyncio.Event()

        async def load() -> int:
            nonlocal loads
            loads += 1
            await go.wait()
            return loads

        async with a_cache(valkey_url, max_connections=1) as cache:
            asking = []
            for _ in range(200):
                asking.append(asyncio.create_task(cache.get_or_load("k", load, POLICY)))
                await asyncio.sleep(0)
            await until(lambda: loads)
            go.set()

            assert set(await asyncio.gather(*asking)) == {1}
            assert (cache.get_cache_stats()["errors"], cache.is_available) == (0, True)

    async def test_are_tried_once_and_not_by_requests(self, valkey_url: str) -> None:
        async with a_proxy(valkey_url) as proxy:
            proxy.is_open = False
            async with a_cache(proxy.url, probe_seconds=60, probe_max_seconds=60) as cache:
                at_start = proxy.accepted
                for _ in range(50):
                    assert await cache.get_or_load("k", one, POLICY) == 1

                assert (at_start, proxy.accepted, cache.is_available) == (1, 1, False)

    async def test_are_found_again_by_one_probe(self, valkey_url: str, measured: Measured) -> None:
        async with a_proxy(valkey_url) as proxy:
            proxy.is_open = False
            async with a_cache(proxy.url) as cache:
                await until(lambda: proxy.accepted > 3)
                with measured.timed("found again in"):
                    proxy.is_open = True
                    await available(cache)

                assert await cache.set("k", 1) and await cache.get("k") == 1

    async def test_from_before_an_outage_trip_nothing_after_it(
        self, private_valkey: PrivateValkey, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def set_many_at_once(cache: CacheService) -> list[bool]:
            """As many connections as values: each is too large to go before the commands of others."""
            large = secrets.token_hex(2 * LARGE)
            return await asyncio.gather(*(cache.set(f"k{number}", large) for number in range(8)))

        async with a_cache(private_valkey.url) as cache, Redis.from_url(private_valkey.url) as client:
            assert await set_many_at_once(cache) == [True] * 8
            assert (await client.info("clients"))["connected_clients"] > 8
            private_valkey.kill()
            await cache.get("k")
            private_valkey.start()
            await available(cache)

            with caplog.at_level(logging.ERROR):
                caplog.clear()
                assert await set_many_at_once(cache) == [True] * 8

        assert "Redis is lost" not in caplog.text

    async def test_to_a_server_that_does_not_say_which_it_is_are_not_used(self, valkey_url: str) -> None:
        """Without its run_id nothing tells a server that came back with old data from the one that was there."""
        async with a_proxy(valkey_url) as proxy:
            proxy.garble = lambda data: data.replace(b"run_id:", b"no__id:")
            async with a_cache(proxy.url) as cache:
                assert (await cache.get_or_load("k", one, POLICY), cache.is_available) == (1, False)
                proxy.garble = bytes
                await available(cache)


class TestRefusals:
    async def test_of_memory_lose_it_until_it_takes_writes_again(self, private_valkey: PrivateValkey) -> None:
        async with a_cache(private_valkey.url) as cache, Redis.from_url(private_valkey.url) as client:
            await client.config_set("maxmemory-policy", "noeviction")
            await client.config_set("maxmemory", 1)

            assert await cache.get_or_load("k", one, POLICY) == 1
            assert not await cache.set("k", 1)
            async with asyncio.timeout(60):
                while cache.is_available:  # noqa: ASYNC110  (its own renewal finds it out)
                    await asyncio.sleep(0.005)
            await client.config_set("maxmemory", 0)
            await available(cache)
            assert await cache.set("k", 1)

    async def test_of_an_invalidation_keep_the_cache_from_being_read(self, private_valkey: PrivateValkey) -> None:
        noted: list[str] = []

        class Notes:
            async def record(self, tags: Sequence[str], *, lifted_in: bytes | None) -> None:
                noted.extend(tags if lifted_in is None else ())

        async def drain(lift: Any, _: str) -> None:
            if noted:
                await lift(noted, ["notes"])

        async with (
            a_cache(private_valkey.url, journal=Notes(), on_return=drain) as cache,
            Redis.from_url(private_valkey.url) as client,
        ):
            await cache.get_or_load("k", one, POLICY)
            await client.replicaof("127.0.0.1", 1)
            await cache.invalidate_tags("meeting:1")

            refused = cache.is_available
            while_refused = await cache.get_or_load("k", two, POLICY)
            await client.replicaof("NO", "ONE")
            await available(cache)

            assert (refused, while_refused) == (False, 2)
            assert await cache.get_or_load("k", two, POLICY) == 2

    async def test_of_a_write_of_tags_without_notes_are_raised(self, private_valkey: PrivateValkey) -> None:
        async with a_cache(private_valkey.url) as cache, Redis.from_url(private_valkey.url) as client:
            await client.replicaof("127.0.0.1", 1)

            with pytest.raises(CacheUnavailable):
                await cache.invalidate_tags("meeting:1")

    async def test_are_told_from_a_lost_server(self, private_valkey: PrivateValkey) -> None:
        config = CacheConfig(**{**PATIENT, "memory_lease_seconds": 60.0})  # type: ignore[arg-type]
        tier = RedisTier(private_valkey.url, config)
        memory = Memory(1_000_000, time.monotonic)
        await tier.start(memory)
        try:
            # Its next registration, which would be refused as well, is a third of a lease away.
            await until(lambda: memory.is_valid)
            async with Redis.from_url(private_valkey.url) as client:
                await client.config_set("maxmemory-policy", "noeviction")
                await client.config_set("maxmemory", 1)
            with pytest.raises(TierRefused, match="maxmemory"):
                await tier.store("k", b"", 60)
            assert tier.is_available
        finally:
            await tier.close()


class TestReturn:
    async def test_waits_for_a_drain_that_fails(
        self, private_valkey: PrivateValkey, caplog: pytest.LogCaptureFixture
    ) -> None:
        drains = 0

        async def drain(_: object, __: str) -> None:
            nonlocal drains
            drains += 1
            if drains < 4:
                raise LookupError("no database")

        async with a_cache(private_valkey.url, on_return=drain) as cache:
            unread = cache.is_available, await cache.get_or_load("k", one, POLICY)
            await available(cache)

            assert (unread, drains) == ((False, 1), 4)
        assert "draining the outbox failed" in caplog.text
