"""A claim: that the tier has these very entries, and that they are current, verified in one round trip."""

import pytest
from redis.asyncio import Redis

from mina_api.cache.entry import Entry
from mina_api.cache.keys import manual_key
from mina_api.cache.looking_up import Claim
from mina_api.cache.outcome import Loaded
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.service import CacheService
from mina_api.dev.valkey import PrivateValkey
from tests.cache.services import a_cache, a_faulty_cache, until

POLICY = CachePolicy(60, tags=("meeting:1",))
KEY = manual_key(namespace="mina", prefix="temp", key="k")
OTHER = manual_key(namespace="mina", prefix="temp", key="other")


async def answer() -> Loaded:
    return Loaded(b"answer")


async def another() -> Loaded:
    return Loaded(b"another")


async def entry_of(cache: CacheService, key: str = "k", *tags: str) -> Entry:
    """The entry that a look-up in the tier gives."""
    name = manual_key(namespace="mina", prefix="temp", key=key)
    policy = CachePolicy(60, tags=tags or ("meeting:1",))
    await cache.read(Read(name, policy, answer))
    cache.memory.forget([], [name.name])
    found = (await cache.read(Read(name, policy, answer))).entry
    assert found is not None
    return found


class TestVerify:
    async def test_is_true_while_nothing_has_changed(self, cache: CacheService) -> None:
        claim = Claim({KEY.name: await entry_of(cache), OTHER.name: await entry_of(cache, "other", "user:1")})

        assert claim.is_consistent
        assert set(claim.tags) == {"meeting:1", "user:1"}
        assert [await cache.verify(claim) for _ in range(2)] == [True, True]

    @pytest.mark.parametrize("tag", ["meeting:1", "user:1"])
    async def test_ends_with_any_tag(self, cache: CacheService, tag: str) -> None:
        claim = Claim({KEY.name: await entry_of(cache), OTHER.name: await entry_of(cache, "other", "user:1")})
        await cache.invalidate_tags(tag)

        assert not await cache.verify(claim)

    async def test_ends_with_the_entry(self, cache: CacheService) -> None:
        first, seen = Claim({KEY.name: await entry_of(cache)}), Claim({KEY.name: await entry_of(cache)})
        assert await cache.verify(seen)
        await cache.drop(KEY.name)

        assert [await cache.verify(claim) for claim in (first, seen)] == [False, False]

    async def test_is_false_of_an_entry_that_was_replaced(self, cache: CacheService) -> None:
        entry = await entry_of(cache)
        await cache.drop(KEY.name)
        await cache.read(Read(KEY, POLICY, another))

        assert not await cache.verify(Claim({KEY.name: entry}))

    async def test_is_false_of_what_cannot_be_read(self, cache: CacheService, valkey_url: str) -> None:
        claim = Claim({KEY.name: await entry_of(cache)})
        async with Redis.from_url(valkey_url) as client:
            await client.set(KEY.name, b"MN\x01\x00 rubbish")

        assert not await cache.verify(claim)

    async def test_of_two_ages_of_one_tag_is_inconsistent(self, cache: CacheService) -> None:
        old = await entry_of(cache)
        await cache.invalidate_tags("meeting:1")
        new = await entry_of(cache, "other")

        assert not Claim({KEY.name: old, OTHER.name: new}).is_consistent

    async def test_is_false_of_another_server(self, private_valkey: PrivateValkey) -> None:
        """Also where it has all that the first had, as after a restart from an old snapshot."""
        async with a_cache(private_valkey.url) as cache:
            claim = Claim({KEY.name: await entry_of(cache)})
            async with Redis.from_url(private_valkey.url) as client:
                dumped = {name: await client.dump(name) for name in await client.keys("*")}
            private_valkey.kill()
            lost = await cache.verify(claim), await cache.verify(claim)
            private_valkey.start()
            await until(lambda: cache.is_available)
            async with Redis.from_url(private_valkey.url) as client:
                for name, value in dumped.items():
                    await client.restore(name, 0, value or b"", replace=True)

            assert (*lost, await cache.verify(claim)) == (False, False, False)

    async def test_is_false_where_the_tier_fails(self, valkey_url: str) -> None:
        async with a_faulty_cache(valkey_url) as (cache, tier):
            claim = Claim({KEY.name: await entry_of(cache)})
            tier.fail("fetch_all", times=1)

            assert [await cache.verify(claim) for _ in range(2)] == [False, True]

    async def test_puts_into_memory_what_it_found(self, in_memory: CacheService) -> None:
        claim = Claim({KEY.name: await entry_of(in_memory)})
        in_memory.memory.forget([], [KEY.name])

        assert await in_memory.verify(claim)
        assert in_memory.memory.get(KEY.name) is not None
