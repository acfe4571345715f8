"""What the cache says of itself, and how loudly."""

import logging
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from mina_api.dev.valkey import PrivateValkey
from tests.cache.services import a_cache, a_faulty_cache, available

POLICY = CachePolicy(60, tags=("meeting:1",))


async def one() -> int:
    return 1


@pytest.fixture
async def cache(valkey_url: str) -> AsyncIterator[CacheService]:
    async with a_cache(valkey_url) as cache:
        yield cache


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that is logged from now on."""
    caplog.set_level(logging.DEBUG, "mina_api.cache")
    caplog.clear()
    return caplog


def lines(said: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """The cache's lines so far, once."""
    found = [(level, text) for name, level, text in said.record_tuples if name.startswith("mina_api.cache")]
    said.clear()
    return found


class TestLogs:
    async def test_say_hits_misses_and_sets_at_debug(self, cache: CacheService, said: pytest.LogCaptureFixture) -> None:
        await cache.get_or_load("k", one, POLICY)
        assert lines(said) == [
            (logging.DEBUG, "miss: mina:temp:k"),
            (logging.DEBUG, "set: mina:temp:k for 60 seconds"),
        ]

        await cache.get_or_load("k", one, POLICY)
        assert lines(said) == [(logging.DEBUG, "hit: mina:temp:k")]

        await cache.set("j", 1, ttl=7)
        await cache.get_many(["j", "absent"])
        assert lines(said) == [
            (logging.DEBUG, "set: mina:temp:j for 7 seconds"),
            (logging.DEBUG, "hit: mina:temp:j"),
            (logging.DEBUG, "miss: mina:temp:absent"),
        ]

        hold = await cache.hold(["meeting:1"])
        await cache.get_or_load("k", one, POLICY)
        assert lines(said) == [(logging.DEBUG, "bypass: mina:temp:k")]
        await hold.lift()

    async def test_say_invalidations_at_info(self, cache: CacheService, said: pytest.LogCaptureFixture) -> None:
        await cache.set("k", 1)
        lines(said)

        await cache.invalidate_tags("meeting:1", "user:2")
        await cache.clear_prefix("analytics")
        await cache.delete("k")

        assert lines(said) == [
            (logging.INFO, "invalidated: meeting:1, user:2"),
            (logging.INFO, "invalidated: prefix:analytics"),
            (logging.INFO, "deleted: mina:temp:k"),
        ]

    async def test_say_what_cannot_be_read_at_error(
        self, cache: CacheService, valkey_url: str, said: pytest.LogCaptureFixture
    ) -> None:
        async with Redis.from_url(valkey_url) as client:
            await client.set("mina:temp:k", b"rubbish, and more")
            await cache.get("k")
            await cache.get_or_load("k", one, POLICY)

        assert [text for level, text in lines(said) if level == logging.ERROR] == [
            "the entry of mina:temp:k cannot be read: not an entry of this version",
            "the entry of mina:temp:k cannot be read, so it is deleted: not an entry of this version",
        ]

    async def test_say_a_lost_redis_at_error_once_and_its_return(
        self, private_valkey: PrivateValkey, said: pytest.LogCaptureFixture
    ) -> None:
        async with a_cache(private_valkey.url) as cache:
            await cache.get_or_load("k", one, POLICY)
            private_valkey.kill()
            for _ in range(20):
                await cache.get_or_load("k", one, POLICY)
            private_valkey.start()
            await available(cache)

        changes = [(level, text) for level, text in lines(said) if "Redis is" in text]
        assert [level for level, _ in changes] == [logging.ERROR, logging.INFO]
        assert [text.split(" (")[0] for _, text in changes] == ["Redis is lost", "Redis is back"]

    async def test_say_a_write_that_could_not_be_told_at_error(
        self, valkey_url: str, said: pytest.LogCaptureFixture
    ) -> None:
        async with a_faulty_cache(valkey_url) as (cache, tier):
            tier.fail("hold", "lift")
            lines(said)
            hold = await cache.hold(["meeting:1"])
            assert not await hold.lift()

        assert told_of_tags(said) == [(logging.ERROR, "tags not put on hold"), (logging.ERROR, "tags not lifted")]

    async def test_say_nothing_of_a_lost_redis_again_with_every_write(
        self, private_valkey: PrivateValkey, said: pytest.LogCaptureFixture
    ) -> None:
        private_valkey.stop()
        async with a_cache(private_valkey.url) as cache:
            lines(said)
            hold = await cache.hold(["meeting:1"])
            assert not await hold.lift()

        assert told_of_tags(said) == [(logging.DEBUG, "tags not put on hold"), (logging.DEBUG, "tags not lifted")]


def told_of_tags(said: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(level, text.split(",")[0]) for level, text in lines(said) if "tags" in text]
