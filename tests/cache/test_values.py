"""Values by keys of the program's own: how long they are kept, and in which form."""

import pytest
from redis.asyncio import Redis

from mina_api.cache.policy import CachePolicy
from mina_api.cache.sealing import Sealer
from mina_api.cache.serializers import MsgpackSerializer, Serializer, SignedPickleSerializer
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock
from tests.cache.services import a_cache

POLICY = CachePolicy(ttl=60, prefix="temp", tags=("meeting:1",))


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
