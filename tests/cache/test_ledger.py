"""What processes tell each other through Redis: counts that are added once, notes, turns, series, pages of entries."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from mina_api.cache.config import CacheConfig
from mina_api.cache.memory import Memory
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.tier import TierUnavailable
from mina_api.dev.valkey import PrivateValkey
from tests.cache.services import PATIENT, a_cache, until


@pytest.fixture
async def tier(valkey_url: str) -> AsyncIterator[RedisTier]:
    made = RedisTier(valkey_url, CacheConfig(**PATIENT))  # type: ignore[arg-type]
    await made.start(Memory(0, time.monotonic))
    yield made
    await made.close()


@pytest.fixture
def ledger(tier: RedisTier) -> RedisLedger:
    return RedisLedger(tier)


class TestTell:
    async def test_adds_the_counts_of_all_processes(self, ledger: RedisLedger) -> None:
        await ledger.tell("one", 1, {"hits": 2, "misses": 1}, {"pid": 1})
        await ledger.tell("other", 1, {"hits": 3}, {"pid": 2})
        await ledger.tell("one", 2, {"hits": 5}, {"pid": 1, "busy": True})

        told = await ledger.read(json.loads)

        assert told.counts == {"hits": 10, "misses": 1}
        assert told.workers == {"one": {"pid": 1, "busy": True}, "other": {"pid": 2}}
        assert 0 < told.since <= told.now
        assert all(0 <= ago < 60 for ago in told.seconds_ago.values())

    async def test_adds_a_batch_once_however_often_it_is_told(self, ledger: RedisLedger) -> None:
        """Who got no reply tells it again."""
        for _ in range(3):
            await ledger.tell("one", 1, {"hits": 2}, {})

        assert (await ledger.read(json.loads)).counts == {"hits": 2}

    async def test_says_nothing_of_what_nobody_told(self, ledger: RedisLedger) -> None:
        told = await ledger.read(json.loads)

        assert (told.counts, told.workers, told.since) == ({}, {}, told.now)

    async def test_begins_anew_after_a_reset_and_tells_no_batch_twice(self, ledger: RedisLedger) -> None:
        await ledger.tell("one", 1, {"hits": 2}, {})
        await ledger.reset(now=1000)
        await ledger.tell("one", 1, {"hits": 2}, {})
        await ledger.tell("one", 2, {"hits": 1}, {})

        told = await ledger.read(json.loads)

        assert (told.counts, told.since) == ({"hits": 1}, 1000)

    async def test_of_a_process_that_is_gone_is_forgotten(self, ledger: RedisLedger) -> None:
        await ledger.tell("one", 1, {}, {})
        await ledger.tell("other", 1, {}, {})

        await ledger.forget_workers([])
        await ledger.forget_workers(["one"])

        assert list((await ledger.read(json.loads)).workers) == ["other"]

    async def test_raises_where_redis_is_lost(self, private_valkey: PrivateValkey) -> None:
        tier = RedisTier(private_valkey.url, CacheConfig(**PATIENT))  # type: ignore[arg-type]
        await tier.start(Memory(0, time.monotonic))
        private_valkey.kill()
        try:
            with pytest.raises(TierUnavailable):
                await RedisLedger(tier).tell("one", 1, {"hits": 1}, {})
        finally:
            await tier.close()


class TestNotes:
    async def test_are_kept_under_their_names(self, ledger: RedisLedger) -> None:
        await ledger.note("a", {"deep": [1, None]})
        await ledger.note_each({"b": 2, "c": "three"})

        assert await ledger.notes(["a", "absent", "b", "c"], json.loads) == [{"deep": [1, None]}, None, 2, "three"]
        assert await ledger.notes([], json.loads) == []

    async def test_end_with_their_time(self, ledger: RedisLedger, valkey_url: str) -> None:
        await ledger.note("a", 1, seconds=7)
        await ledger.note("b", 1)

        async with Redis.from_url(valkey_url) as client:
            ttls = [await client.ttl(f"mina:{{tags}}:note:{name}") for name in "ab"]

        assert 0 < ttls[0] <= 7 < ttls[1] <= 604_800


class TestTurn:
    async def test_is_one_processes_until_it_is_over(self, ledger: RedisLedger) -> None:
        takers = [await ledger.take_turn("look", 60) for _ in range(3)]
        other = await ledger.take_turn("another", 0.02)
        await until(lambda: ledger.take_turn("another", 60))

        assert (takers, other) == ([True, False, False], True)


class TestSeries:
    async def test_keeps_the_newest_and_gives_them_first(self, ledger: RedisLedger) -> None:
        for number in range(10):
            await ledger.append("s", [{"n": number}], keep=4)

        assert await ledger.series("s", json.loads) == [{"n": number} for number in (9, 8, 7, 6)]
        assert await ledger.series("s", json.loads, 1, 2) == [{"n": 8}, {"n": 7}]

    async def test_begins_anew_when_it_is_forgotten(self, ledger: RedisLedger) -> None:
        await ledger.append("s", [1, 2], keep=10)
        await ledger.append("t", [3], keep=10)

        await ledger.forget_series(["s"])

        assert (await ledger.series("s", json.loads), await ledger.series("t", json.loads)) == ([], [3])


class TestWhatIsNotOurs:
    async def test_is_left_out_and_logged_once(
        self, ledger: RedisLedger, valkey_url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        await ledger.tell("one", 1, {"hits": 2}, {"pid": 1})
        await ledger.append("s", [1], keep=10)
        async with Redis.from_url(valkey_url) as client:
            counts = {"misses": "x", "latency|hit|99": "1", b"\xff": "1", "sets": "9" * 40}
            await client.hset("mina:{tags}:counts", mapping=counts)  # type: ignore[arg-type]
            workers = {"no time": "x {}", "no JSON": "1 {", "to come": "999999999999 {}", "a\nb": "1 {}"}
            await client.hset("mina:{tags}:workers", mapping=workers)  # type: ignore[arg-type]
            await client.lpush("mina:{tags}:series:s", "{")
            await client.set("mina:{tags}:note:n", "{")

        told = [await ledger.read(json.loads) for _ in range(2)][1]

        assert (told.counts, told.workers) == ({"hits": 2}, {"one": {"pid": 1}})
        assert await ledger.series("s", json.loads) == [1]
        assert await ledger.notes(["n"], json.loads) == [None]
        assert sum("left out of counts" in each.getMessage() for each in caplog.records) == 1

    async def test_is_replaced_by_what_is_written(self, ledger: RedisLedger, valkey_url: str) -> None:
        async with Redis.from_url(valkey_url) as client:
            for name in ("counts", "workers", "told:one", "series:s", "note:turn:t"):
                await client.sadd(f"mina:{{tags}}:{name}", "x")

        await ledger.tell("one", 1, {"hits": 2}, {"pid": 1})
        await ledger.append("s", [1], keep=10)

        assert (await ledger.read(json.loads)).counts == {"hits": 2}
        assert await ledger.series("s", json.loads) == [1]
        assert [await ledger.take_turn("t", 60) for _ in range(2)] == [True, False]

    async def test_has_no_size_as_an_entry(self, ledger: RedisLedger, tier: RedisTier) -> None:
        await tier.call("RPUSH", "mina:temp:list", "x")

        assert (await ledger.sizes(["mina:temp:list"]))[0][1] == 0


class TestEntries:
    async def test_are_told_from_what_is_the_caches_own(self, ledger: RedisLedger) -> None:
        names = (
            "mina:temp:k",
            "mina:{tags}:counts",
            "mina:{tags}:uses:1",
            "mina:lease:{mina:temp:k}",
            "other:temp:k",
            "mina",
        )

        assert [ledger.is_entry(name) for name in names] == [True, False, False, False, False, False]

    @pytest.mark.parametrize(
        ("prefix", "match", "found"),
        [
            (None, "", {"mina:temp:a", "mina:temp:a%5Bb", "mina:session:a"}),
            ("temp", "", {"mina:temp:a", "mina:temp:a%5Bb"}),
            ("temp", "%5B", {"mina:temp:a%5Bb"}),
            (None, "?ession", {"mina:session:a"}),
            (None, "[ab]", set()),
            (None, "\\", set()),
        ],
    )
    async def test_are_listed_by_prefix_and_by_part_page_by_page(
        self, ledger: RedisLedger, valkey_url: str, prefix: str | None, match: str, found: set[str]
    ) -> None:
        async with a_cache(valkey_url) as cache:
            await cache.set("a", 1)
            await cache.set("a[b", 1)
            await cache.set("a", 1, prefix="session")

        names: set[str] = set()
        cursor: str | None = "0"
        while cursor is not None:
            page = await ledger.scan(cursor, ledger.entries(prefix, match), 2)
            names.update(filter(ledger.is_entry, page.names))
            cursor = page.cursor

        assert names == found

    async def test_have_a_size_and_an_end(self, ledger: RedisLedger, tier: RedisTier) -> None:
        await asyncio.gather(tier.store("mina:temp:a", b"four", 60), tier.store("mina:temp:b", b"", 30))

        (left, size), (other_left, other_size), (gone, none) = await ledger.sizes(
            ["mina:temp:a", "mina:temp:b", "mina:temp:c"]
        )

        assert (size, other_size, none) == (4, 0, 0)
        assert 0 < other_left <= 30 < left <= 60
        assert gone < 0
