"""A write's two phases, and what is read between them."""

from redis.asyncio import Redis

from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from tests.cache.origin import Origin

POLICY = CachePolicy(ttl=60, prefix="temp", tags=("meeting:1",))


class TestHold:
    async def test_bypasses_and_stores_nothing_between_a_writes_two_phases(
        self, cache: CacheService, other: CacheService, origin: Origin
    ) -> None:
        await cache.get_or_load("k", origin.load, POLICY)
        hold = await other.hold(["meeting:1"])
        between = [await each.get_or_load("k", origin.load, POLICY) for each in (cache, other)]
        origin.value = 2
        await hold.lift()

        after = [await each.get_or_load("k", origin.load, POLICY) for each in (cache, other)]

        assert between == [1, 1]
        assert after == [2, 2]
        assert origin.loads == 4

    async def test_of_two_writers_lasts_until_both_have_lifted(
        self, cache: CacheService, other: CacheService, origin: Origin
    ) -> None:
        first, second = await cache.hold(["meeting:1"]), await other.hold(["meeting:1"])
        await first.lift()
        for _ in range(2):
            await cache.get_or_load("k", origin.load, POLICY)
        held = origin.loads
        await second.lift()

        for _ in range(2):
            await cache.get_or_load("k", origin.load, POLICY)

        assert (held, origin.loads) == (2, 3)

    async def test_of_a_writer_that_was_cut_off_is_lifted_by_who_drains_its_note(
        self, cache: CacheService, other: CacheService, origin: Origin
    ) -> None:
        await cache.hold(["meeting:1"], "row 1")
        origin.value = 2

        await other.lift(["meeting:1"], ["row 1", "row 2"])

        await other.get_or_load("k", origin.load, POLICY)
        assert (await cache.get_or_load("k", origin.load, POLICY), origin.loads) == (2, 1)

    async def test_of_a_crashed_writer_runs_out_over_new_tokens(
        self, cache: CacheService, origin: Origin, valkey_url: str
    ) -> None:
        await cache.get_or_load("k", origin.load, POLICY)
        await cache.hold(["meeting:1"])
        origin.value = 2
        async with Redis.from_url(valkey_url) as client:
            await client.delete("mina:{tags}:hold:meeting:1")

        values = [await cache.get_or_load("k", origin.load, POLICY) for _ in range(2)]

        assert values == [2, 2]
        assert origin.loads == 2
