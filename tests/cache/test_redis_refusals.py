"""A Redis that is there and refuses: what we may still say, and when it is asked again."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from mina_api.cache.config import CacheConfig
from mina_api.cache.invalidation import CacheUnavailable
from mina_api.cache.memory import Memory
from mina_api.cache.policy import CachePolicy
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.tier import TierRefused
from mina_api.dev.valkey import PrivateValkey
from tests.cache.services import PATIENT, a_cache, available, until

POLICY = CachePolicy(60, tags=("meeting:1",))


async def one() -> int:
    return 1


async def two() -> int:
    return 2


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
