"""What a program does with the cache beside reading: it sets, clears, drops, counts, looks at its health, closes it."""

import pytest
from redis.asyncio import Redis

from mina_api.cache.adaptive import Adaptive
from mina_api.cache.config import CacheConfig
from mina_api.cache.freshness import Freshness
from mina_api.cache.keys import manual_key
from mina_api.cache.outcome import Loaded, Outcome
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.service import CacheService
from mina_api.cache.stats import groups, histogram, named
from mina_api.cache.testing import FakeClock
from mina_api.cache.tier import TierUnavailable
from mina_api.dev.valkey import PrivateValkey
from tests.cache.services import PATIENT, a_cache, a_faulty_cache, complete_register, until

POLICY = CachePolicy(60, tags=("meeting:1",))
KEY = manual_key(namespace="mina", prefix="temp", key="k")


async def answer() -> Loaded:
    return Loaded(b"answer")


class TestClearPrefix:
    async def test_clears_its_prefix_alone(self, cache: CacheService, other: CacheService) -> None:
        for prefix in ("analytics", "session"):
            await cache.set("k", 1, prefix=prefix)

        await other.clear_prefix("analytics")

        assert await cache.get("k", prefix="analytics") is None
        assert await cache.get("k", prefix="session") == 1

    async def test_of_a_scope_leaves_the_others(self, cache: CacheService) -> None:
        for scope in ("ws:1", "ws:2"):
            await cache.set(scope, 1, prefix="analytics", tags=[f"{scope}:analytics"])

        await cache.clear_prefix("analytics", "ws:1")

        assert set(await cache.get_many(["ws:1", "ws:2"], prefix="analytics")) == {"ws:2"}

    async def test_tells_who_listens_what_was_invalidated(self, cache: CacheService) -> None:
        seen: list[list[str]] = []
        cache.on_invalidation(lambda tags: seen.append(list(tags)))

        await cache.clear_prefix("session")
        await cache.invalidate_tags()
        await (await cache.hold(["b", "a", "b"])).lift()

        assert seen == [["prefix:session"], ["a", "b"]]


class TestSet:
    async def test_stores_nothing_under_a_tag_that_is_held(self, cache: CacheService) -> None:
        hold = await cache.hold(["meeting:1"])
        while_held = await cache.set("k", 1, tags=["meeting:1"])
        await hold.lift()

        assert (while_held, await cache.get("k")) == (False, None)
        assert await cache.set("k", 1, tags=["meeting:1"])

    async def test_stores_nothing_that_is_too_large(self, valkey_url: str) -> None:
        async with a_cache(valkey_url, max_entry_bytes=500, compress_over_bytes=10**9) as cache:
            assert not await cache.set("k", "x" * 1000)
            assert await cache.get("k") is None

    async def test_under_a_tag_that_a_peer_holds_is_neither_stored_nor_read(self, cache: CacheService) -> None:
        await cache.set("k", 1, tags=["meeting:1"])
        await cache.set("other", 1)
        cache.coherence.hold("a peer", ["meeting:1"])

        assert not await cache.set("j", 1, tags=["meeting:1"])
        assert await cache.get_many(["k", "other"]) == {"other": 1}

    async def test_of_a_prefix_that_a_peer_holds_is_not_read(self, cache: CacheService) -> None:
        await cache.set("k", 1)
        cache.coherence.hold("a peer", ["prefix:temp"])
        held = await cache.get("k")
        cache.coherence.drop("a peer")

        assert (held, await cache.get("k")) == (None, 1)


class TestPolicy:
    @pytest.mark.parametrize("ttl", [0, -1])
    def test_has_a_ttl_that_is_positive(self, ttl: int) -> None:
        with pytest.raises(ValueError, match="ttl must be positive"):
            CachePolicy(ttl)


class TestClose:
    async def test_of_what_was_never_started_is_no_error(self, valkey_url: str) -> None:
        """A program may fail between building its cache and starting it."""
        config = CacheConfig(**PATIENT)  # type: ignore[arg-type]
        cache = CacheService(RedisTier(valkey_url, config), config)

        await cache.close()

        assert not cache.is_available

    async def test_leaves_nothing_running_where_redis_is_found_lost_only_then(
        self, private_valkey: PrivateValkey
    ) -> None:
        """The probe that looks for it is a task, and every test ends with the tasks that it began with."""
        async with a_cache(private_valkey.url) as cache:
            was_available = cache.is_available
            private_valkey.kill()

        assert (was_available, cache.is_available) == (True, False)


class TestGet:
    async def test_is_answered_from_memory_and_counted_so(self, in_memory: CacheService) -> None:
        await in_memory.set("k", [1])

        found = [await in_memory.get("k") for _ in range(3)]

        assert found == [[1]] * 3
        assert groups(in_memory.totals(), "tier") == {"l2": {"hits": 1}, "l1": {"hits": 2}}


class TestDrop:
    async def test_deletes_an_entry_by_its_name_everywhere(self, in_memory: CacheService, valkey_url: str) -> None:
        async with a_cache(valkey_url, memory_bytes=1_000_000, memory_lease_seconds=30.0) as other:
            await until(lambda: other.serves_from_memory)
            for cache in (in_memory, other):
                await cache.read(Read(KEY, POLICY, answer))

            dropped = await in_memory.drop(KEY.name)
            again = await in_memory.drop(KEY.name)
            served = await other.read(Read(KEY, POLICY, answer))

        assert (dropped, again, served.outcome) == (True, False, Outcome.MISS)
        assert in_memory.get_cache_stats()["deletes"] == 1

    async def test_of_a_lost_redis_is_no_error(self, private_valkey: PrivateValkey) -> None:
        async with a_cache(private_valkey.url) as cache:
            private_valkey.kill()

            assert not await cache.drop(KEY.name)


class TestDelete:
    async def test_whose_answer_is_lost_has_memory_forget_it_all_the_same(self, valkey_url: str) -> None:
        async with (
            a_faulty_cache(valkey_url, memory_bytes=1_000_000, memory_lease_seconds=30.0) as (cache, tier),
            Redis.from_url(valkey_url) as client,
        ):
            await until(lambda: cache.serves_from_memory)
            await complete_register(valkey_url)
            await cache.set("k", 1)
            before = await cache.get("k")
            await client.delete(KEY.name)
            tier.fail("delete", times=1)

            deleted = await cache.delete("k")

            assert (before, deleted, await cache.get("k")) == (1, False, None)


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


class TestCounting:
    async def test_takes_hits_that_were_given_without_a_read(self, cache: CacheService) -> None:
        cache.count_hits(KEY, "l1", 5, lambda: "again")
        cache.count_hits(KEY, "l2", 2, None)
        cache.counters.took("hit", 0.001, times=7)
        cache.counters.count("sheds", times=3)

        totals = cache.totals()
        assert cache.get_cache_stats()["hits"] == 7
        assert groups(totals, "tier") == {"l1": {"hits": 5}, "l2": {"hits": 2}}
        assert (sum(histogram(totals, "hit")), totals["sheds"]) == (7, 3)
        assert await cache.most_used() == ["again"]

    async def test_settles_first_what_was_not_counted_yet(self, cache: CacheService) -> None:
        unsettled = [5, 7]
        cache.counters.before_stats(lambda: cache.count_hits(KEY, "l1", unsettled.pop(), None) if unsettled else None)

        assert cache.get_cache_stats()["hits"] == 7
        assert cache.totals()["hits"] == 12

    async def test_of_a_read_is_by_outcome(self, cache: CacheService) -> None:
        for _ in range(3):
            await cache.read(Read(KEY, POLICY, answer))

        assert named(cache.totals(), "outcome") == {"miss": 1, "hit": 2}


class TestExplainTtl:
    async def test_says_why_a_ttl_is_what_it_is(self, cache: CacheService) -> None:
        adapting = CachePolicy(60, freshness=Freshness(adaptive=Adaptive(10, 600)))

        fixed, adaptive = cache.explain_ttl("k", POLICY), cache.explain_ttl("k", adapting)

        assert (fixed.ttl, fixed.why) == (60, "its policy does not adapt")
        assert (adaptive.ttl, adaptive.why == fixed.why) == (60, False)


class TestHealth:
    async def test_says_how_it_is_and_what_the_server_uses(self, cache: CacheService) -> None:
        health, memory = await cache.health(), await cache.server_memory()

        assert health.available and health.latency_ms is not None and health.latency_ms >= 0
        assert (health.used_memory_human is not None, memory.maximum) == (True, "256.00M")
        assert 0 < memory.used_bytes < memory.maximum_bytes

    async def test_is_degraded_by_a_slow_round_trip(self, valkey_url: str, clock: FakeClock) -> None:
        async with a_cache(valkey_url, clock=clock, slow_ms=0.0) as cache:
            assert (await cache.health()).status == "degraded"
        async with a_cache(valkey_url, clock=clock) as cache:
            assert (await cache.health()).status == "healthy"

    async def test_of_a_lost_redis_is_said_and_never_raised(self, private_valkey: PrivateValkey) -> None:
        async with a_cache(private_valkey.url) as cache:
            private_valkey.kill()
            health = await cache.health()

            assert (health.status, health.available, health.latency_ms) == ("unavailable", False, None)
            assert cache.epoch is None
            with pytest.raises(TierUnavailable):
                await cache.server_memory()

    async def test_of_one_fault_is_one_calls(self, valkey_url: str) -> None:
        async with a_faulty_cache(valkey_url) as (cache, tier):
            tier.fail("memory", times=1)

            assert [(await cache.health()).status for _ in range(2)] == ["unavailable", "healthy"]
