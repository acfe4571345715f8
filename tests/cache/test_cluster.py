"""A Cluster of three: entries on the servers that have their slots, tokens on one, and what becomes of both."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from mina_api.cache.config import CacheConfig
from mina_api.cache.keys import manual_key
from mina_api.cache.memory import Memory
from mina_api.cache.policy import CachePolicy
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.redis_tier.cluster import REDIRECTIONS
from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.tier import TierUnavailable
from tests.cache.services import PATIENT, a_cache, available, until
from tests.programs import WHEEL
from tests.topologies.clusters import TOKENS, Cluster, cluster
from tests.topologies.nodes import Node

POLICY = CachePolicy(60, tags=("meeting:1",))
KEYS = [f"k{number}" for number in range(30)]


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with cluster(WHEEL, tmp_path_factory.mktemp("cluster"), replicas=False) as three:
        yield three


@pytest.fixture
def three(shared: Cluster) -> Cluster:
    """A Cluster of three primaries, emptied."""
    for node in shared.nodes:
        node.ask("FLUSHALL")
    return shared


@pytest.fixture
async def tier(three: Cluster) -> AsyncIterator[RedisTier]:
    config = CacheConfig(**{**PATIENT, "probe_seconds": 0.01, "probe_max_seconds": 0.05})  # type: ignore[arg-type]
    made = RedisTier(three.url, config)
    await made.start(Memory(0, time.monotonic))
    yield made
    await made.close()


def slot_of(key: str) -> int:
    return key_slot(manual_key(namespace="mina", prefix="temp", key=key).name.encode())


def sides(three: Cluster, slot: int) -> tuple[Node, Node]:
    """Who serves `slot`, and another."""
    source = three.owner(slot, seen_by=three.nodes[0])
    return source, next(node for node in three.nodes if node is not source)


class TestEntries:
    async def test_are_each_on_their_own_server(self, three: Cluster) -> None:
        async with a_cache(three.url) as cache:
            for number, key in enumerate(KEYS):
                assert await cache.set(key, number, tags=("t",))
            found = await cache.get_many(KEYS)
            await cache.invalidate_tags("t")
            after = await cache.get_many(KEYS)

        holders = [node for node in three.nodes if node.ask("KEYS", "mina:temp:*")]
        assert (found, after) == ({key: number for number, key in enumerate(KEYS)}, {})
        assert len(holders) == 3

    async def test_are_followed_to_where_their_slot_has_moved(self, three: Cluster) -> None:
        async with a_cache(three.url) as cache:
            await cache.set("k0", 1)
            slot = slot_of("k0")
            source, target = sides(three, slot)
            await asyncio.to_thread(three.move, slot, source, target)

            read = await cache.get("k0")
            assert await cache.set("k0", 2)

            assert (read, await cache.get("k0"), cache.is_available) == (1, 2, True)

    async def test_are_followed_while_their_slot_moves(self, three: Cluster) -> None:
        async with a_cache(three.url) as cache:
            slot = slot_of("k1")
            source, target = sides(three, slot)
            await asyncio.to_thread(three.begin_to_move, slot, source, target)

            assert await cache.set("k1", 1)
            read = await cache.get("k1")
            in_target = await asyncio.to_thread(target.ask, "CLUSTER", "COUNTKEYSINSLOT", slot)
            await asyncio.to_thread(three.move, slot, source, target)

            assert (read, in_target, cache.is_available) == (1, 1, True)

    async def test_that_are_sent_round_in_circles_are_given_up(self, three: Cluster, tier: RedisTier) -> None:
        """Two nodes that each take the other for the server of a slot; a third time is one too many."""
        slot = slot_of("k2")
        source, target = sides(three, slot)
        name = target.ask("CLUSTER", "MYID")
        # What one node is told of a slot without a new epoch, the others do not learn.
        await asyncio.to_thread(source.ask, "CLUSTER", "SETSLOT", slot, "NODE", name)
        try:
            with pytest.raises(TierUnavailable, match="from node to node"):
                for _ in range(REDIRECTIONS):
                    await tier.store(manual_key(namespace="mina", prefix="temp", key="k2").name, b"", 60)
        finally:
            await asyncio.to_thread(target.ask, "CLUSTER", "SETSLOT", slot, "NODE", name)


class TestTokens:
    async def test_follow_no_redirection_but_are_found_anew(self, three: Cluster) -> None:
        async with a_cache(three.url) as cache:
            await cache.set("k3", 1)
            before = cache.epoch
            source, target = sides(three, TOKENS)
            await asyncio.to_thread(three.move, TOKENS, source, target)

            lost = await cache.get("k3")
            await until(lambda: cache.epoch not in (None, before))

            assert lost is None
            assert await cache.set("k3", 2)
            assert await cache.get("k3") == 2

    async def test_end_what_was_loaded_before_a_write(self, three: Cluster) -> None:
        async with a_cache(three.url) as reader, a_cache(three.url) as writer:
            value = 1

            async def load() -> int:
                return value

            before = [await reader.get_or_load("k", load, POLICY) for _ in range(2)]
            hold = await writer.hold(["meeting:1"])
            value = 2
            await hold.lift()

            assert (before, await reader.get_or_load("k", load, POLICY)) == ([1, 1], 2)


class TestScan:
    async def test_goes_over_all_servers_and_ends(self, three: Cluster, tier: RedisTier) -> None:
        ledger = RedisLedger(tier)
        names = [f"mina:temp:{key}" for key in KEYS]
        await asyncio.gather(*(tier.store(name, b"data", 60) for name in names))

        found: list[str] = []
        cursor: str | None = "0"
        while cursor is not None:
            page = await ledger.scan(cursor, ledger.entries("temp", ""), 3)
            found += page.names
            cursor = page.cursor

        assert sorted(set(found)) == sorted(names)

    async def test_of_a_cluster_that_has_become_smaller_ends(self, tier: RedisTier) -> None:
        assert await tier.scan("9-0", "*", 10) == (None, [])


class TestFetch:
    async def test_takes_no_more_of_a_string_than_an_entry_may_have_and_nothing_of_what_is_none(
        self, tier: RedisTier
    ) -> None:
        most = CacheConfig().max_entry_bytes
        await tier.call("SETRANGE", "mina:temp:large", most + 1000, "x", entry="mina:temp:large")
        await tier.call("RPUSH", "mina:temp:list", "x", entry="mina:temp:list")

        fetched = await tier.fetch_all(("mina:temp:large", "mina:temp:list", "mina:temp:none"), ())

        assert [data and len(data) for data in fetched.data] == [most + 1, None, None]
        assert tier.is_available

    async def test_without_tags_is_of_the_entry_alone(self, tier: RedisTier) -> None:
        await tier.store("mina:temp:k", b"data", 60)

        fetched = await tier.fetch("mina:temp:k", ())

        assert (fetched.data, fetched.tokens) == (b"data", ())


class TestServers:
    async def test_are_found_by_any_that_is_given(self, three: Cluster) -> None:
        async with a_cache(f"redis+cluster://127.0.0.1:1,127.0.0.1:{three.nodes[1].port}") as cache:
            await available(cache)
            assert await cache.set("k", 1)
            assert await cache.get("k") == 1

    async def test_are_lost_where_none_is_there(self) -> None:
        async with a_cache("redis+cluster://127.0.0.1:1") as cache:
            assert not cache.is_available
            assert not await cache.set("k", 1)

    async def test_have_a_pool_for_other_uses(self, tier: RedisTier) -> None:
        pool = tier.pool(2)
        async with Redis(connection_pool=pool) as client:
            await client.set("{tags}:mine", "1")
        await pool.disconnect()

        assert await tier.call("GET", "{tags}:mine") == b"1"

    async def test_are_back_only_when_each_slot_has_one_that_answers(self, tmp_path: Path) -> None:
        async with cluster(WHEEL, tmp_path, replicas=False) as three:
            slot = slot_of("k0")
            source, _ = sides(three, slot)
            for node in three.nodes:
                await asyncio.to_thread(node.ask, "CLUSTER", "DELSLOTS", slot)
            async with a_cache(three.url) as cache:
                at_first = cache.is_available
                await asyncio.to_thread(source.ask, "CLUSTER", "ADDSLOTS", slot)
                await until(lambda: cache.set("k0", 1))
                found = await cache.get("k0")

                source.kill()
                lost = await cache.get("k0")
                source.start()
                await until(lambda: cache.set("k0", 2))

                assert (at_first, found, lost) == (False, 1, None)
                assert await cache.get("k0") == 2


class TestUses:
    async def test_of_every_day_are_told_and_read(self, tier: RedisTier) -> None:
        for day in range(8):
            await tier.record_uses(day, {"recipe": day + 1}, keep=10)

        assert [await tier.most_used(day, 10) for day in range(8)] == [{"recipe": day + 1} for day in range(8)]
