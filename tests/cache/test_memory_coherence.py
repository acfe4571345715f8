"""L1 of several processes: never older than a write, whatever happens to those who should hear of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from mina_api.cache.keys import manual_key
from mina_api.cache.outcome import Loaded, Outcome, Served
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.service import CacheService
from mina_api.cache.testing import assert_never_stale
from mina_api.dev.valkey import PrivateValkey
from tests.cache.services import REGISTER, a_cache, complete_register
from tests.measured import Measured

POLICY = CachePolicy(60, tags=("meeting:1",))
KEY = manual_key(namespace="mina", prefix="temp", key="k")


class Source:
    """What is cached: a number, and how often it was read."""

    def __init__(self) -> None:
        self.value = 1
        self.loads = 0

    async def load(self) -> Loaded:
        self.loads += 1
        return Loaded(str(self.value).encode())

    async def write(self, cache: CacheService, *tags: str) -> None:
        hold = await cache.hold(tags or ("meeting:1",))
        self.value += 1
        await hold.lift()


@asynccontextmanager
async def processes(url: str, count: int = 2, **options: Any) -> AsyncIterator[list[CacheService]]:
    """Caches with memory and with leases that have begun, beside a register that is known to be complete."""
    async with AsyncExitStack() as stack:
        entered = [
            await stack.enter_async_context(a_cache(url, **{"memory_bytes": 1_000_000, **options}))
            for _ in range(count)
        ]
        for cache in entered:
            await leased(cache)
        await complete_register(url)
        yield entered


async def leased(cache: CacheService, *, leased: bool = True) -> None:
    """Returns once `cache` serves from its memory, or does not."""
    async with asyncio.timeout(10):
        while cache.serves_from_memory is not leased:  # noqa: ASYNC110  (what it waits for is another process)
            await asyncio.sleep(0.002)


@pytest.fixture
def source() -> Source:
    return Source()


async def read(cache: CacheService, source: Source) -> tuple[bytes, Outcome, str | None]:
    served: Served = await cache.read(Read(KEY, POLICY, source.load))
    assert served.entry is not None
    return served.entry.body, served.outcome, served.detail


class TestReading:
    async def test_fills_memory_from_the_load_and_from_redis(self, valkey_url: str, source: Source) -> None:
        async with processes(valkey_url, memory_lease_seconds=5.0) as (one, other):
            assert await read(one, source) == (b"1", Outcome.MISS, None)
            assert await read(one, source) == (b"1", Outcome.HIT, "l1")
            assert await read(other, source) == (b"1", Outcome.HIT, "l2")
            assert await read(other, source) == (b"1", Outcome.HIT, "l1")

        assert source.loads == 1

    async def test_asks_redis_nothing_on_a_hit(self, valkey_url: str, source: Source) -> None:
        async with processes(valkey_url, 1, memory_lease_seconds=5.0) as (cache,), Redis.from_url(valkey_url) as client:
            await read(cache, source)
            await read(cache, source)
            before = (await client.info("commandstats")).get("cmdstat_getrange", {"calls": 0})["calls"]

            for _ in range(100):
                assert (await read(cache, source))[2] == "l1"

            assert (await client.info("commandstats"))["cmdstat_getrange"]["calls"] == before

    async def test_of_values_ends_everywhere_with_set_and_delete(self, valkey_url: str) -> None:
        async with processes(valkey_url, memory_lease_seconds=5.0) as (one, other):
            await one.set("k", [1])
            assert (await one.get("k"), await other.get("k")) == ([1], [1])

            await one.set("k", [2])
            assert (await one.get("k"), await other.get("k")) == ([2], [2])
            await other.delete("k")
            assert (await one.get("k"), await other.get("k")) == (None, None)

    async def test_gives_nobody_anothers_objects(self, valkey_url: str) -> None:
        async with processes(valkey_url, 1, memory_lease_seconds=5.0) as (cache,):

            async def load() -> list[int]:
                return [1]

            for _ in range(3):
                value = await cache.get_or_load("list", load, POLICY)
                assert value == [1]
                value.append(2)


class TestWriting:
    async def test_is_seen_by_every_process_at_once(self, valkey_url: str, source: Source) -> None:
        async with processes(valkey_url, 3, memory_lease_seconds=5.0) as caches:
            for number in range(1, 20):
                for cache in caches:
                    assert (await read(cache, source))[0] == str(number).encode()
                await source.write(caches[number % 3])

    async def test_keeps_memory_closed_until_it_is_done(self, valkey_url: str, source: Source) -> None:
        async with processes(valkey_url, memory_lease_seconds=5.0) as (one, other):
            await read(other, source)
            hold = await one.hold(["meeting:1"])

            assert (await read(other, source))[1] is Outcome.BYPASS
            source.value = 2
            assert (await read(other, source))[:2] == (b"2", Outcome.BYPASS)
            await hold.lift()
            assert [(await read(other, source))[1:] for _ in range(2)] == [(Outcome.MISS, None), (Outcome.HIT, "l1")]

    async def test_tells_others_again_where_its_hold_was_lost(self, valkey_url: str, source: Source) -> None:
        async with processes(valkey_url, memory_lease_seconds=5.0) as (one, other):
            hold = await one.hold(["meeting:1"])
            async with Redis.from_url(valkey_url) as client:
                await client.delete("mina:{tags}:hold:meeting:1")
            await read(other, source)
            assert (await read(other, source))[2] == "l1"
            source.value = 2

            await hold.lift()

            assert (await read(other, source))[0] == b"2"

    async def test_waits_no_longer_than_the_lease_of_who_does_not_answer(
        self, valkey_url: str, source: Source, measured: Measured
    ) -> None:
        async with processes(valkey_url, 1, memory_lease_seconds=0.3) as (cache,), Redis.from_url(valkey_url) as client:
            end = await now_ms(client) + 300
            await client.hset(REGISTER, "a stopped process", end)

            async with asyncio.timeout(10):
                with measured.timed("with a lease of 0.3 s a write takes"):
                    await source.write(cache)

            assert await now_ms(client) >= end

    async def test_waits_for_leases_that_a_lost_register_does_not_name(self, valkey_url: str, source: Source) -> None:
        async with processes(valkey_url, memory_lease_seconds=0.5) as (one, other):
            await read(other, source)
            async with Redis.from_url(valkey_url) as client:
                await client.delete(REGISTER)

            await source.write(one)

            assert (await read(other, source))[0] == b"2"

    async def test_outlives_a_flush(self, valkey_url: str, source: Source) -> None:
        async with processes(valkey_url, memory_lease_seconds=0.5) as (one, other):
            await read(other, source)
            async with Redis.from_url(valkey_url) as client:
                await client.flushall()

            await source.write(one)

            assert (await read(other, source))[0] == b"2"

    @pytest.mark.parametrize("seed", range(6))
    async def test_is_never_followed_by_an_older_read(self, valkey_url: str, seed: int) -> None:
        async with processes(valkey_url, 3, memory_lease_seconds=5.0) as caches:
            await assert_never_stale(caches, seed=seed)


class TestLease:
    async def test_ends_with_the_connection_that_hears(self, valkey_url: str, source: Source) -> None:
        async with processes(valkey_url, 1, memory_lease_seconds=5.0) as (cache,):
            await read(cache, source)
            async with Redis.from_url(valkey_url) as client:
                await client.client_kill_filter(_type="pubsub")

            await leased(cache, leased=False)
            await leased(cache)

            assert (await read(cache, source))[2] == "l2"

    async def test_ends_while_redis_does_not_answer_and_begins_anew(
        self, private_valkey: PrivateValkey, source: Source
    ) -> None:
        async with processes(private_valkey.url, 1, memory_lease_seconds=0.2, command_timeout_seconds=0.2) as (cache,):
            await read(cache, source)
            private_valkey.pause()

            await leased(cache, leased=False)
            assert (await read(cache, source))[1:] == (Outcome.MISS, "redis-down")

            private_valkey.resume()
            await leased(cache)
            await read(cache, source)
            assert (await read(cache, source))[1] is Outcome.HIT

    async def test_is_given_back(self, valkey_url: str) -> None:
        async with processes(valkey_url, memory_lease_seconds=5.0), Redis.from_url(valkey_url) as client:
            assert await client.hlen(REGISTER) == 4
        async with Redis.from_url(valkey_url) as client:
            assert sorted(await client.hkeys(REGISTER)) == [b"reign", b"since"]


async def now_ms(client: Redis) -> int:
    seconds, micro = await client.time()
    return int(seconds * 1000 + micro // 1000)


class TestRegister:
    async def test_stays_complete_when_a_process_joins(self, valkey_url: str) -> None:
        """Else whoever writes next waits for a lease's length, for leases that nobody has."""
        async with processes(valkey_url, 1, memory_lease_seconds=5.0), Redis.from_url(valkey_url) as client:
            before = await client.hgetall(REGISTER)
            async with a_cache(valkey_url, memory_bytes=1_000_000, memory_lease_seconds=5.0) as other:
                await leased(other)
                after = await client.hgetall(REGISTER)

        assert [(each[b"since"], each[b"reign"]) for each in (before, after)] == [(b"0", before[b"reign"])] * 2


class TestRenewal:
    async def test_of_a_lease_that_lapses_before_it_is_registered_again_empties_memory(
        self, valkey_url: str, source: Source, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who writes between the two neither waits for this process nor tells it."""
        registered, late = asyncio.Event(), asyncio.Event()
        register = RedisTier._register

        async def wait_then_register(tier: RedisTier, process: str, seconds: float) -> None:
            if late.is_set():
                registered.set()
                await lapsed.wait()
            await register(tier, process, seconds)

        lapsed = asyncio.Event()
        monkeypatch.setattr(RedisTier, "_register", wait_then_register)
        async with processes(valkey_url, 1, memory_lease_seconds=0.2) as (cache,):
            await read(cache, source)
            await until_in_memory(cache, source)
            late.set()
            await registered.wait()
            await leased(cache, leased=False)
            lapsed.set()
            await leased(cache)

            assert cache.memory.get(KEY.name) is None


async def until_in_memory(cache: CacheService, source: Source) -> None:
    """Returns once an answer came from memory."""
    async with asyncio.timeout(10):
        while (await read(cache, source))[2] != "l1":
            pass


class TestBounded:
    async def test_is_served_from_memory_and_makes_no_writer_wait(self, valkey_url: str, source: Source) -> None:
        policy = CachePolicy(60, tags=("meeting:1",), consistency="bounded")
        options: dict[str, Any] = {"memory_bytes": 1_000_000, "memory_lease_seconds": 30.0, "consistency": "bounded"}
        async with a_cache(valkey_url, **options) as reader, a_cache(valkey_url, **options) as writer:
            await complete_register(valkey_url)
            served = [await reader.read(Read(KEY, policy, source.load)) for _ in range(2)]

            async with asyncio.timeout(15):
                await source.write(writer)

            async with Redis.from_url(valkey_url) as client:
                registered = sorted(await client.hkeys(REGISTER))
            later = await reader.read(Read(KEY, policy, source.load))

        assert [each.detail for each in (*served, later)] == [None, "l1", "l1"]
        assert (later.entry is not None and later.entry.body, registered) == (b"1", [b"reign", b"since"])
