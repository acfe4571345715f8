import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from mina_api.cache.invalidation import CacheUnavailable
from mina_api.cache.keys import manual_key
from mina_api.cache.outcome import Demand, Loaded, Outcome
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.sealing import Sealer
from mina_api.cache.serializers import MsgpackSerializer, Serializer, SignedPickleSerializer
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock
from mina_api.dev.valkey import PrivateValkey
from tests.cache.services import a_cache, available

POLICY = CachePolicy(ttl=60, prefix="temp", tags=("meeting:1",))
KEY = manual_key(namespace="mina", prefix="temp", key="k")


class Database:
    """What loaders read: a value, and a gate that holds a slow reader between its read and its return."""

    def __init__(self) -> None:
        self.value = 1
        self.loads = 0
        self.reading = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> int:
        self.loads += 1
        value = self.value
        self.reading.set()
        await self.gate.wait()
        return value


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
async def cache(valkey_url: str) -> AsyncIterator[CacheService]:
    async with a_cache(valkey_url) as started:
        yield started


@pytest.fixture
async def other(valkey_url: str) -> AsyncIterator[CacheService]:
    """Another process's cache."""
    async with a_cache(valkey_url) as started:
        yield started


class TestValues:
    async def test_are_kept_until_deleted(self, cache: CacheService, other: CacheService) -> None:
        assert await cache.set("k", {"a": [1, None, "é"]}, ttl=60, prefix="temp")

        assert await other.get("k") == {"a": [1, None, "é"]}
        assert await other.get_many(["k", "absent"]) == {"k": {"a": [1, None, "é"]}}
        assert await other.delete("k")
        assert await cache.get("k", default="gone") == "gone"

    async def test_end_with_their_ttl(self, valkey_url: str) -> None:
        clock = FakeClock()
        async with a_cache(valkey_url, clock=clock) as cache:
            await cache.set("k", 1, ttl=60)

            clock.advance(59)
            before = await cache.get("k")
            clock.advance(1)

            assert (before, await cache.get("k")) == (1, None)

    async def test_end_with_any_of_their_tags(self, cache: CacheService, other: CacheService) -> None:
        await cache.set("k", 1, tags=["meeting:1", "user:2"])

        await other.invalidate_tags("user:2")

        assert await cache.get("k") is None

    async def test_are_refused_where_json_cannot_hold_them(self, cache: CacheService) -> None:
        for value in (object(), float("nan"), {1, 2}):
            with pytest.raises((TypeError, ValueError)):
                await cache.set("k", value)
        with pytest.raises(ValueError, match="at most 8 tags"):
            await cache.set("k", 1, tags=[f"meeting:{number}" for number in range(9)])


class TestSerializersAndSealers:
    @pytest.mark.parametrize("serializer", [MsgpackSerializer(), SignedPickleSerializer([b"k" * 32])])
    async def test_keep_what_json_cannot(self, valkey_url: str, serializer: Serializer) -> None:
        async with a_cache(valkey_url, serializer=serializer) as cache:
            await cache.set("k", {"raw": b"\xff"})

            assert await cache.get("k") == {"raw": b"\xff"}
            assert await cache.get_or_load("j", raw, POLICY) == await cache.get_or_load("j", raw, POLICY) == b"\xff"

    async def test_take_what_another_serializer_wrote_for_a_counted_miss(
        self, cache: CacheService, valkey_url: str
    ) -> None:
        async with a_cache(valkey_url, serializer=MsgpackSerializer()) as other:
            await cache.set("k", 1)
            await other.get_or_load("j", raw, POLICY)

            found = await other.get("k", default="none"), await cache.get_or_load("j", one, POLICY)

            assert found == ("none", 1)
            assert (other.get_cache_stats()["errors"], cache.get_cache_stats()["errors"]) == (1, 1)
            assert await cache.get_or_load("j", one, POLICY) == 1

    async def test_hide_everything_at_rest_and_outlive_a_change_of_keys(self, valkey_url: str) -> None:
        old, new = b"1" * 32, b"2" * 32
        async with a_cache(valkey_url, sealer=Sealer([old])) as cache:
            await cache.set("k", "the secret")
            async with Redis.from_url(valkey_url) as client:
                at_rest = [await client.get(key) for key in await client.keys("*") if b"{tags}" not in key]
        async with a_cache(valkey_url, sealer=Sealer([new, old])) as cache:
            rotated = await cache.get("k")
            await cache.set("k", rotated)
        async with a_cache(valkey_url, sealer=Sealer([new])) as cache, a_cache(valkey_url) as without:
            found = await cache.get("k"), await without.get("k")

        assert (rotated, *found) == ("the secret", "the secret", None)
        assert at_rest and all(b"secret" not in (each or b"") for each in at_rest)


async def raw() -> bytes:
    return b"\xff"


async def one() -> int:
    return 1


class TestClearPrefix:
    async def test_clears_its_prefix_alone(self, cache: CacheService, other: CacheService) -> None:
        for prefix in ("analytics", "session"):
            await cache.set("k", 1, prefix=prefix)

        await other.clear_prefix("analytics")

        assert await cache.get("k", prefix="analytics") is None
        assert await cache.get("k", prefix="session") == 1


class TestGetOrLoad:
    async def test_loads_once_for_a_thousand_over_two_processes(
        self, cache: CacheService, other: CacheService, database: Database
    ) -> None:
        database.gate.clear()
        asking = [asyncio.create_task(each.get_or_load("k", database.load, POLICY)) for each in (cache, other) * 500]
        await database.reading.wait()
        database.gate.set()

        assert set(await asyncio.gather(*asking)) == {1}
        assert database.loads == 1

    async def test_serves_nothing_that_a_slow_reader_read_before_a_write(
        self, cache: CacheService, other: CacheService, database: Database
    ) -> None:
        database.gate.clear()
        slow = asyncio.create_task(cache.get_or_load("k", database.load, POLICY))
        await database.reading.wait()
        database.value = 2
        await other.invalidate_tags("meeting:1")

        later = asyncio.create_task(other.get_or_load("k", database.load, POLICY))
        database.gate.set()

        assert await slow == 1
        assert await later == 2
        assert await cache.get_or_load("k", database.load, POLICY) == 2

    async def test_does_not_join_a_load_of_its_own_process_that_began_before_a_write(
        self, cache: CacheService, database: Database
    ) -> None:
        database.gate.clear()
        slow = asyncio.create_task(cache.get_or_load("k", database.load, POLICY))
        await database.reading.wait()
        database.value = 2
        await cache.invalidate_tags("meeting:1")

        later = asyncio.create_task(cache.get_or_load("k", database.load, POLICY))
        await asyncio.sleep(0)
        database.gate.set()

        assert (await slow, await later) == (1, 2)

    async def test_goes_on_when_the_leading_process_dies_without_a_word(
        self, valkey_url: str, other: CacheService, database: Database
    ) -> None:
        async with Redis.from_url(valkey_url) as client:
            await client.set(f"mina:lease:{{{KEY.name}}}", "a dead process", px=60)

            value = await other.get_or_load("k", database.load, POLICY)

        assert (value, database.loads) == (1, 1)

    async def test_loads_itself_when_the_leading_process_takes_too_long(
        self, valkey_url: str, database: Database
    ) -> None:
        async with Redis.from_url(valkey_url) as client, a_cache(valkey_url, wait_seconds=0.05) as cache:
            await client.set(f"mina:lease:{{{KEY.name}}}", "a slow process", px=60_000)

            assert await cache.get_or_load("k", database.load, POLICY) == 1
            assert await client.get(f"mina:lease:{{{KEY.name}}}") == b"a slow process"

    async def test_raises_what_the_loader_raises_and_keeps_nothing(self, cache: CacheService) -> None:
        async def fail() -> int:
            raise LookupError("gone")

        with pytest.raises(LookupError):
            await cache.get_or_load("k", fail, POLICY)

        assert await cache.get_or_load("k", Database().load, POLICY) == 1
        assert cache.loads_in_flight == 0

    async def test_takes_no_second_slot_for_a_load_within_a_load(self, valkey_url: str) -> None:
        async with a_cache(valkey_url, max_concurrent_loads=1) as cache:

            async def outer() -> int:
                return 1 + int(await cache.get_or_load("inner", Database().load, POLICY))

            assert await cache.get_or_load("outer", outer, POLICY) == 2


class TestHold:
    async def test_bypasses_and_stores_nothing_between_a_writes_two_phases(
        self, cache: CacheService, other: CacheService, database: Database
    ) -> None:
        await cache.get_or_load("k", database.load, POLICY)
        hold = await other.hold(["meeting:1"])
        between = [await each.get_or_load("k", database.load, POLICY) for each in (cache, other)]
        database.value = 2
        await hold.lift()

        after = [await each.get_or_load("k", database.load, POLICY) for each in (cache, other)]

        assert between == [1, 1]
        assert after == [2, 2]
        assert database.loads == 4

    async def test_of_two_writers_lasts_until_both_have_lifted(
        self, cache: CacheService, other: CacheService, database: Database
    ) -> None:
        first, second = await cache.hold(["meeting:1"]), await other.hold(["meeting:1"])
        await first.lift()
        for _ in range(2):
            await cache.get_or_load("k", database.load, POLICY)
        held = database.loads
        await second.lift()

        for _ in range(2):
            await cache.get_or_load("k", database.load, POLICY)

        assert (held, database.loads) == (2, 3)

    async def test_of_a_writer_that_was_cut_off_is_lifted_by_who_drains_its_note(
        self, cache: CacheService, other: CacheService, database: Database
    ) -> None:
        await cache.hold(["meeting:1"], "row 1")
        database.value = 2

        await other.lift(["meeting:1"], ["row 1", "row 2"])

        await other.get_or_load("k", database.load, POLICY)
        assert (await cache.get_or_load("k", database.load, POLICY), database.loads) == (2, 1)

    async def test_of_a_crashed_writer_runs_out_over_new_tokens(
        self, cache: CacheService, database: Database, valkey_url: str
    ) -> None:
        await cache.get_or_load("k", database.load, POLICY)
        await cache.hold(["meeting:1"])
        database.value = 2
        async with Redis.from_url(valkey_url) as client:
            await client.delete("mina:{tags}:hold:meeting:1")

        values = [await cache.get_or_load("k", database.load, POLICY) for _ in range(2)]

        assert values == [2, 2]
        assert database.loads == 2


class TestRead:
    @staticmethod
    async def answer() -> Loaded:
        return Loaded(b"answer")

    async def test_tells_a_hit_from_a_miss_and_a_reload(self, cache: CacheService) -> None:
        demands = [Demand(), Demand(), Demand(reload=True), Demand(store=False)]

        served = [await cache.read(Read(KEY, POLICY, self.answer, demand)) for demand in demands]

        assert [each.outcome for each in served] == [Outcome.MISS, Outcome.HIT, Outcome.REQUEST, Outcome.BYPASS]
        assert [each.stored for each in served] == [True, False, True, False]

    async def test_gives_nothing_where_only_a_stored_answer_was_wanted(self, cache: CacheService) -> None:
        served = await cache.read(Read(KEY, POLICY, self.answer, Demand(only_if_cached=True)))

        assert served.entry is None

    async def test_never_takes_another_keys_entry_for_its_own(self, cache: CacheService, valkey_url: str) -> None:
        other_key = manual_key(namespace="mina", prefix="temp", key="other")
        await cache.read(Read(other_key, POLICY, self.answer))
        async with Redis.from_url(valkey_url) as client:
            await client.set(KEY.name, await client.get(other_key.name) or b"")

        served = await cache.read(Read(KEY, POLICY, self.answer))

        assert served.outcome is Outcome.MISS

    async def test_takes_what_cannot_be_read_for_a_counted_miss(self, cache: CacheService, valkey_url: str) -> None:
        async with Redis.from_url(valkey_url) as client:
            await client.set(KEY.name, b"MN\x01\x00 rubbish")

        served = await cache.read(Read(KEY, POLICY, self.answer))

        assert served.outcome is Outcome.MISS
        assert cache.get_cache_stats()["errors"] == 1
        assert (await cache.read(Read(KEY, POLICY, self.answer))).outcome is Outcome.HIT

    async def test_survives_the_eviction_of_tokens(self, cache: CacheService, valkey_url: str) -> None:
        await cache.read(Read(KEY, POLICY, self.answer))
        async with Redis.from_url(valkey_url) as client:
            await client.delete("mina:{tags}:token:meeting:1")

        served = [await cache.read(Read(KEY, POLICY, self.answer)) for _ in range(2)]

        assert [each.outcome for each in served] == [Outcome.MISS, Outcome.HIT]

    async def test_does_not_store_what_is_too_large(self, valkey_url: str) -> None:
        async with a_cache(valkey_url, max_entry_bytes=1024, compress_over_bytes=10**9) as cache:

            async def large() -> Loaded:
                return Loaded(b"x" * 2000)

            served = await cache.read(Read(KEY, POLICY, large))

        assert not served.stored


class TestLosingRedis:
    async def test_costs_speed_and_no_answer(self, private_valkey: PrivateValkey, database: Database) -> None:
        async with a_cache(private_valkey.url) as cache:
            await cache.get_or_load("k", database.load, POLICY)
            private_valkey.kill()

            without = [await cache.get_or_load("k", database.load, POLICY) for _ in range(3)]
            private_valkey.start()
            await available(cache)
            after = [await cache.get_or_load("k", database.load, POLICY) for _ in range(2)]

        assert without == [1, 1, 1]
        assert after == [1, 1]
        assert database.loads == 1 + 3 + 1

    async def test_that_hangs_costs_one_time_out_and_then_nothing(
        self, private_valkey: PrivateValkey, database: Database
    ) -> None:
        async with a_cache(private_valkey.url, command_timeout_seconds=0.1, connect_timeout_seconds=0.1) as cache:
            await cache.get_or_load("k", database.load, POLICY)
            private_valkey.pause()

            await cache.get_or_load("k", database.load, POLICY)
            tripped = not cache.is_available
            private_valkey.resume()
            await available(cache)

            assert tripped
            assert await cache.get_or_load("k", database.load, POLICY) == 1

    async def test_that_was_never_there_is_found_when_it_comes(
        self, private_valkey: PrivateValkey, database: Database
    ) -> None:
        private_valkey.stop()
        async with a_cache(private_valkey.url) as cache:
            before = await cache.get_or_load("k", database.load, POLICY)
            private_valkey.start()
            await available(cache)

            assert before == 1
            assert await cache.set("k", 1)

    async def test_drains_what_was_noted_before_anything_is_read(
        self, private_valkey: PrivateValkey, database: Database
    ) -> None:
        noted: list[str] = []

        class Notes:
            async def record(self, tags: object, *, lifted_in: bytes | None) -> None:
                if lifted_in is None:
                    noted.extend(tags)  # type: ignore[arg-type]

        async def drain(lift: object, _: object) -> None:
            if noted:
                await lift(noted, ["notes"])  # type: ignore[operator]

        async with (
            a_cache(private_valkey.url, journal=Notes(), on_return=drain, command_timeout_seconds=0.1) as cache,
            a_cache(private_valkey.url) as reader,
        ):
            await reader.get_or_load("k", database.load, POLICY)
            private_valkey.pause()
            database.value = 2
            await cache.invalidate_tags("meeting:1")
            private_valkey.resume()
            await available(cache)
            await available(reader)

            assert noted == ["meeting:1"]
            assert await reader.get_or_load("k", database.load, POLICY) == 2

    async def test_without_anywhere_to_note_it_an_invalidation_fails(self, private_valkey: PrivateValkey) -> None:
        private_valkey.stop()
        async with a_cache(private_valkey.url) as cache:
            with pytest.raises(CacheUnavailable):
                await cache.invalidate_tags("meeting:1")

    async def test_that_restarts_serves_nothing_from_before(
        self, private_valkey: PrivateValkey, database: Database
    ) -> None:
        """As after a restart from an old snapshot: entry and tokens agree, but the server is another."""
        async with a_cache(private_valkey.url) as cache:
            await cache.get_or_load("k", database.load, POLICY)
            async with Redis.from_url(private_valkey.url) as client:
                dumped = {name: await client.dump(name) for name in await client.keys("*")}
            private_valkey.kill()
            await cache.get("k")
            private_valkey.start()
            await available(cache)
            async with Redis.from_url(private_valkey.url) as client:
                for name, value in dumped.items():
                    await client.restore(name, 0, value or b"", replace=True)
            database.value = 2

            assert await cache.get_or_load("k", database.load, POLICY) == 2


class TestStats:
    async def test_count_hits_misses_sets_and_deletes(self, cache: CacheService) -> None:
        await cache.set("a", 1)
        await cache.get("a")
        await cache.get("b")
        await cache.delete("a")

        stats = cache.get_cache_stats()

        assert set(stats) == {
            "hits", "misses", "sets", "deletes", "errors", "total_requests", "hit_rate", "uptime_seconds"
        }  # fmt: skip
        assert (stats["hits"], stats["misses"], stats["sets"], stats["deletes"]) == (1, 1, 1, 1)
        assert (stats["total_requests"], stats["hit_rate"]) == (2, 0.5)


class TestClose:
    async def test_leaves_nothing_running_where_redis_is_found_lost_only_then(
        self, private_valkey: PrivateValkey
    ) -> None:
        """The probe that looks for it is a task, and every test ends with the tasks that it began with."""
        async with a_cache(private_valkey.url) as cache:
            was_available = cache.is_available
            private_valkey.kill()

        assert (was_available, cache.is_available) == (True, False)
