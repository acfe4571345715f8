"""An entry looked at from outside: what it is, and every reason for which it would not be served."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from mina_api.cache.freshness import Freshness
from mina_api.cache.keys import manual_key
from mina_api.cache.outcome import Loaded, Outcome
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.sealing import Sealer
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock
from mina_api.cache.tier import TierUnavailable
from mina_api.dev.valkey import PrivateValkey
from tests.cache.services import a_cache, until

TAGS = ("prefix:temp", "meeting:1")
KEY = manual_key(namespace="mina", prefix="temp", key="k")
TOKEN = "mina:{tags}:token:meeting:1"


async def answer() -> Loaded:
    return Loaded(b"answer", 200, ((b"content-type", b"text/plain"),))


async def fill(cache: CacheService, freshness: Freshness | None = None) -> None:
    await cache.read(Read(KEY, CachePolicy(60, tags=TAGS, freshness=freshness or Freshness()), answer))


async def is_served(cache: CacheService) -> bool:
    served = await cache.read(Read(KEY, CachePolicy(60, tags=TAGS), answer))
    return served.outcome is Outcome.HIT


async def reasons(cache: CacheService) -> list[str]:
    """Why the entry is not served, as the examination says."""
    found = await cache.examine(KEY.name)
    assert found is not None
    return list(found.reasons)


@pytest.fixture
async def cache(valkey_url: str, clock: FakeClock) -> AsyncIterator[CacheService]:
    async with a_cache(valkey_url, clock=clock) as started:
        yield started


class TestExamine:
    async def test_shows_an_entry_that_is_served(self, cache: CacheService, clock: FakeClock) -> None:
        await fill(cache)

        found = await cache.examine(KEY.name)

        assert found is not None and found.entry is not None
        assert (found.name, found.reasons, found.is_in_memory) == (KEY.name, (), False)
        assert (found.entry.body, found.entry.status, found.entry.created) == (b"answer", 200, clock.now())
        assert found.stored_bytes > len(found.entry.body)
        assert [(each.tag, each.state) for each in found.tags] == [(tag, "current") for tag in TAGS]
        assert all(each.token == each.token_now for each in found.tags)
        assert await is_served(cache)

    async def test_counts_and_changes_nothing(self, cache: CacheService) -> None:
        await fill(cache)
        before = cache.totals()

        await cache.examine(KEY.name)

        assert cache.totals() == before

    async def test_finds_nothing_where_there_is_nothing(self, cache: CacheService) -> None:
        assert await cache.examine(KEY.name) is None

    async def test_raises_where_redis_is_lost(self, private_valkey: PrivateValkey) -> None:
        async with a_cache(private_valkey.url) as cache:
            private_valkey.kill()
            with pytest.raises(TierUnavailable):
                await cache.examine(KEY.name)

    async def test_tells_what_is_in_memory(self, valkey_url: str) -> None:
        async with a_cache(valkey_url, memory_bytes=1_000_000, memory_lease_seconds=30.0) as cache:
            await until(lambda: cache.serves_from_memory)
            await fill(cache)

            found = await cache.examine(KEY.name)

        assert found is not None and found.is_in_memory

    async def test_opens_what_is_sealed_and_says_of_what_it_cannot_that_it_cannot(self, valkey_url: str) -> None:
        async with a_cache(valkey_url, sealer=Sealer([b"1" * 32])) as cache, a_cache(valkey_url) as other:
            await fill(cache)
            opened, shut = await cache.examine(KEY.name), await other.examine(KEY.name)

        assert opened is not None and opened.entry is not None and opened.entry.body == b"answer"
        assert shut is not None and shut.entry is None and shut.stored_bytes > 0
        assert shut.reasons[0].startswith("it cannot be read: ")


class TestReasons:
    """Each of them is true: what is examined is also asked for."""

    async def test_name_the_tag_that_was_invalidated(self, cache: CacheService) -> None:
        await fill(cache)
        await cache.invalidate_tags("meeting:1")

        assert await reasons(cache) == ["meeting:1 was invalidated after it was read"]
        assert not await is_served(cache)

    async def test_name_the_tag_that_was_forgotten(self, cache: CacheService, valkey_url: str) -> None:
        await fill(cache)
        async with Redis.from_url(valkey_url) as client:
            await client.delete(TOKEN)

        assert await reasons(cache) == ["meeting:1 has no token any more, so that nobody knows"]
        assert not await is_served(cache)

    async def test_name_the_tag_that_is_held(self, cache: CacheService) -> None:
        await fill(cache)
        await cache.hold(["meeting:1"])

        assert await reasons(cache) == ["meeting:1 is held by a write that is not committed yet"]
        assert not await is_served(cache)

    async def test_say_that_the_server_has_started_anew(self, private_valkey: PrivateValkey, clock: FakeClock) -> None:
        async with a_cache(private_valkey.url, clock=clock) as cache:
            await fill(cache)
            async with Redis.from_url(private_valkey.url) as client:
                dumped = {name: await client.dump(name) for name in await client.keys("*")}
            private_valkey.kill()
            await cache.get("k")
            private_valkey.start()
            await until(lambda: cache.is_available)
            async with Redis.from_url(private_valkey.url) as client:
                for name, value in dumped.items():
                    await client.restore(name, 0, value or b"", replace=True)

            assert await reasons(cache) == ["it is of another server, or of one that has started anew"]
            assert not await is_served(cache)

    async def test_say_that_a_peer_forbids_it(self, cache: CacheService) -> None:
        await fill(cache)
        cache.coherence.hold("a peer", ["meeting:1"])

        assert await reasons(cache) == ["this worker may serve nothing under its tags now"]
        assert not await is_served(cache)

    async def test_say_how_long_its_time_has_run_out(self, cache: CacheService, clock: FakeClock) -> None:
        await fill(cache, Freshness(stale_while_revalidate=100))
        clock.advance(65)
        late = await reasons(cache)
        clock.advance(100)
        ended = await reasons(cache)

        served_late = "it may be served while it is loaded anew, or if that fails"
        assert late == [f"its time ran out 5 s ago: {served_late}"]
        assert ended == ["its time ran out 105 s ago: it has ended"]
