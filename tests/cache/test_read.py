"""What a read of an answer gives, and what it takes an entry for."""

from redis.asyncio import Redis

from mina_api.cache.keys import manual_key
from mina_api.cache.outcome import Demand, Loaded, Outcome
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.service import CacheService
from tests.cache.services import a_cache

POLICY = CachePolicy(ttl=60, prefix="temp", tags=("meeting:1",))


KEY = manual_key(namespace="mina", prefix="temp", key="k")


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
