"""The fast path with nothing in memory: one round trip tells whether the answer and who asks are as they were."""

from collections.abc import AsyncIterator

import pytest

from mina_api.dev.valkey import PrivateValkey
from tests.cache.services import until
from tests.cache.short_ways import Served, served

IN_MEMORY = "; detail=l1"
IN_REDIS = "; detail=l2"


@pytest.fixture
async def by_redis(valkey_url: str) -> AsyncIterator[Served]:
    """The same with nothing in memory: Redis is asked for each answer."""
    async with served(valkey_url, memory_bytes=0, memory_lease_seconds=0.1) as started:
        yield started


class TestByWayOfRedis:
    async def test_answers_are_those_of_the_slow_path_and_end_with_a_write(self, by_redis: Served) -> None:
        for version in ("b", "c"):
            short = await by_redis.shortened("/text")
            before = by_redis.cache.totals()["tier|l2|hits"]
            again = await by_redis.shortened("/text")
            counted = by_redis.cache.totals()["tier|l2|hits"]

            await by_redis.client.put(f"/text/{version}")
            after = await by_redis.get("/text")

            assert short.headers["cache-status"].endswith(IN_REDIS)
            assert (short.content, counted) == (again.content, before + 1)
            assert after.json()["text"] == version

    async def test_an_entry_that_has_been_set_anew_is_no_longer_the_one_that_was_claimed(
        self, by_redis: Served
    ) -> None:
        await by_redis.shortened("/text")
        by_redis.program.text = "behind its back"
        await by_redis.get("/text", **{"Cache-Control": "no-cache"})

        assert await by_redis.comes_the_long_way(lambda: by_redis.get("/text"))
        assert (await by_redis.shortened("/text")).json()["text"] == "behind its back"

    async def test_who_may_not_come_in_any_more_does_not(self, by_redis: Served) -> None:
        await by_redis.shortened("/text")
        by_redis.program.users.discard("ada")
        await by_redis.cache.invalidate_tags("who:ada")

        assert (await by_redis.get("/text")).status_code == 401

    async def test_a_tag_that_a_peer_holds_sends_them_the_long_way(self, by_redis: Served) -> None:
        await by_redis.shortened("/text")
        by_redis.cache.coherence.hold("a peer", ["text"])

        held = await by_redis.get("/text")
        by_redis.cache.coherence.drop("a peer")

        assert "fwd=" in held.headers["cache-status"]
        assert (await by_redis.shortened("/text")).headers["cache-status"].endswith(IN_REDIS)

    async def test_a_lost_redis_sends_them_the_long_way(self, private_valkey: PrivateValkey) -> None:
        async with served(private_valkey.url, memory_bytes=0, memory_lease_seconds=0.1) as program:
            await program.shortened("/public", None)
            private_valkey.kill()

            answers = [await program.get("/public", None) for _ in range(3)]

        assert {answer.status_code for answer in answers} == {200}
        assert {answer.headers["cache-status"] for answer in answers} == {"mina; fwd=uri-miss; detail=redis-down"}

    async def test_fills_memory_once_there_is_a_lease(self, valkey_url: str) -> None:
        async with served(valkey_url, memory_lease_seconds=1.0) as program:
            await program.shortened("/public", None)
            program.cache.memory.clear()
            await until(lambda: program.cache.serves_from_memory)

            by_redis = await program.shortened("/public", None)
            by_memory = await program.shortened("/public", None)

        assert by_redis.headers["cache-status"].endswith(IN_REDIS)
        assert by_memory.headers["cache-status"].endswith(IN_MEMORY)
