"""What is asked of Redis: one round trip a turn, one script a step in one slot, nothing that looks through all keys."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from mina_api.cache.config import CacheConfig
from mina_api.cache.keys import manual_key
from mina_api.cache.memory import Memory
from mina_api.cache.outcome import Loaded
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.service import CacheService
from mina_api.dev.binaries import redis_program
from mina_api.dev.ports import free_port
from mina_api.dev.processes import spawn
from mina_api.dev.valkey import PrivateValkey
from tests.cache.services import PATIENT, a_cache, complete_register, until
from tests.measured import Measured

POLICY = CachePolicy(60, tags=("meeting:1",))


async def one() -> int:
    return 1


async def two() -> int:
    return 2


async def answer() -> Loaded:
    return Loaded(b"answer")


@pytest.fixture
async def cache(valkey_url: str) -> AsyncIterator[CacheService]:
    async with a_cache(valkey_url) as cache:
        yield cache


async def do_everything(cache: CacheService) -> None:
    """What a request, a write, and the background do."""
    await cache.set("a", 1, prefix="analytics", tags=["meeting:1"])
    await cache.get_many(["a", "b"], prefix="analytics")
    await asyncio.gather(*(cache.get_or_load("k", one, POLICY) for _ in range(3)))
    await cache.delete("a", prefix="analytics")
    hold = await cache.hold(["meeting:1", "user:1"])
    await cache.get_or_load("k", one, POLICY)
    await hold.lift()
    await cache.hold(["meeting:2"])
    await cache.clear_prefix("session")
    await cache.invalidate_tags("meeting:3")
    await cache.get_or_load("k", one, POLICY)
    await cache.read(Read(manual_key(namespace="mina", prefix="temp", key="r"), POLICY, answer, recipe=lambda: "r"))
    assert await cache.most_used() == ["r"]
    await cache.health()


class TestCommands:
    async def test_never_look_through_all_keys(self, cache: CacheService, client: Redis) -> None:
        await client.config_resetstat()

        await do_everything(cache)

        used = {name.removeprefix("cmdstat_") for name in await client.info("commandstats")}
        assert "evalsha" in used
        assert not used & {"keys", "scan", "flushdb", "flushall", "randomkey", "sscan", "incr", "incrby"}

    async def test_leave_no_key_without_an_expiry(self, valkey_url: str, client: Redis) -> None:
        async with a_cache(valkey_url, memory_bytes=1_000_000) as cache:
            await do_everything(cache)
            ttls = {name: await client.pttl(name) for name in await client.keys("*")}

        assert len(ttls) > 6
        assert {name for name, ttl in ttls.items() if ttl < 0} == set()

    async def test_of_one_turn_go_in_one_round_trip(self, valkey_url: str, client: Redis) -> None:
        async with a_cache(valkey_url, memory_lease_seconds=5.0) as cache:
            await complete_register(valkey_url)
            await asyncio.gather(*(cache.set(f"{number}", number) for number in range(50)))
            before = await client.info("stats")

            found = await cache.get_many([f"{number}" for number in range(50)])

            after = await client.info("stats")
        assert found == {f"{number}": number for number in range(50)}
        # Our own INFO is one of them; a lease may be renewed meanwhile.
        assert after["total_reads_processed"] - before["total_reads_processed"] < 10
        assert after["total_commands_processed"] - before["total_commands_processed"] >= 50

    async def test_of_one_who_goes_away_leave_the_others_their_replies(
        self, private_valkey: PrivateValkey, measured: Measured
    ) -> None:
        async with a_cache(private_valkey.url) as cache:
            for number in range(20):
                await cache.set(f"{number}", number)
            private_valkey.pause()
            asking = [asyncio.create_task(cache.get(f"{number}")) for number in range(20)]
            for _ in range(5):
                await asyncio.sleep(0)
            for task in asking[::2]:
                task.cancel()
            await asyncio.sleep(0)
            with measured.timed("the others answered in"):
                private_valkey.resume()
                others = await asyncio.gather(*asking[1::2])

            assert others == list(range(1, 20, 2))
            assert [await cache.get(f"{number}") for number in range(20)] == list(range(20))
            assert cache.is_available

    async def test_are_scripts_that_redis_may_have_forgotten(self, cache: CacheService, client: Redis) -> None:
        await client.script_flush()

        assert await cache.get_or_load("k", one, POLICY) == 1
        await client.script_flush()
        await cache.invalidate_tags("meeting:1")

        assert await cache.get_or_load("k", two, POLICY) == 2
        assert cache.is_available


class TestPrefixes:
    @pytest.mark.parametrize("prefix", ["*", "s*", "?ession", "[s]ession", "session:", "{tags}"])
    async def test_are_no_patterns(self, cache: CacheService, prefix: str) -> None:
        await cache.set("k", 1, prefix="session")
        await cache.set("k", 2, prefix=prefix)

        await cache.clear_prefix(prefix)

        assert (await cache.get("k", prefix="session"), await cache.get("k", prefix=prefix)) == (1, None)


@pytest.fixture
async def cluster_node(tmp_path: Path) -> AsyncIterator[str]:
    """A Valkey that is a Cluster by itself, and refuses commands over several slots as all do."""
    program, port = redis_program(), free_port()
    assert program is not None
    options = {
        "--port": port,
        "--bind": "127.0.0.1",
        "--cluster-enabled": "yes",
        "--cluster-port": free_port(),
        "--save": "",
        "--dir": tmp_path,
    }
    child = spawn([program, *(str(part) for pair in options.items() for part in pair)], log=tmp_path / "log")
    try:
        async with Redis(port=port, retry=Retry(ConstantBackoff(0.01), 1000)) as client:
            await client.ping()
            await client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)  # type: ignore[no-untyped-call]

            async def is_ready() -> bool:
                state = await client.execute_command("CLUSTER", "INFO")  # type: ignore[no-untyped-call]
                return "cluster_state:ok" in str(state).replace("': '", ":")

            await until(is_ready)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        child.stop()


class TestSlots:
    async def test_are_never_crossed_by_what_writes(self, cluster_node: str) -> None:
        tier = RedisTier(cluster_node, CacheConfig(**PATIENT))  # type: ignore[arg-type]
        await tier.start(Memory(1_000_000, time.monotonic))
        try:
            keys = [f"mina:temp:{number}" for number in range(20)]
            tags = [f"meeting:{number}" for number in range(8)]
            await asyncio.gather(*(tier.store(key, b"data", 60) for key in keys))

            assert all(token is not None for token in await tier.snapshot(tags))
            assert await tier.delete(keys) == 20
            await tier.hold(tags, "owner", 60)
            assert set(await tier.snapshot(tags)) == {None}
            await tier.lift(tags, ["owner"])
            await tier.forget(keys)
            for key in keys:
                assert (await tier.claim(key, (), "owner", 60)).left_seconds == 0
                assert await tier.renew(key, "owner", 60)
                await tier.release(key, "owner")
            await tier.record_uses(0, {"again": 2}, 10)
            assert await tier.most_used(0, 10) == {"again": 2}
        finally:
            await tier.close()
