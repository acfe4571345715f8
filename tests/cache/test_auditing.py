"""The freshness audit: it sees a stale answer, drops it, and says nothing of what it cannot know."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from mina_api.cache.auditing import MATCH, MISMATCH, UNKNOWN
from mina_api.cache.entry import Entry
from mina_api.cache.fastapi import CachedRoute, cache_response
from mina_api.cache.keys import manual_key
from mina_api.cache.outcome import Loaded, Outcome
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.service import CacheService
from mina_api.cache.stats import named
from mina_api.dev.valkey import PrivateValkey
from tests.cache.conftest import Serving
from tests.cache.services import a_cache, complete_register, until

POLICY = CachePolicy(60, tags=("meeting:1",))
KEY = manual_key(namespace="mina", prefix="temp", key="k")


class Source:
    """What is cached, and a gate that an audit's load may be held at."""

    def __init__(self) -> None:
        self.body: bytes | None = b"one"
        self.status = 200
        self.failure: Exception | None = None
        self.reading = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> Loaded | None:
        body, status = self.body, self.status
        self.reading.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return None if body is None else Loaded(body, status)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def cache(valkey_url: str) -> AsyncIterator[CacheService]:
    async with a_cache(valkey_url, compress_over_bytes=100) as started:
        await complete_register(valkey_url)
        yield started


async def hit(cache: CacheService, source: Source) -> tuple[Read, Entry]:
    """A read that was answered by the cache, and what it was answered by."""
    read = Read(KEY, POLICY, source.load)
    await cache.read(read)
    served = await cache.read(read)
    assert served.outcome is Outcome.HIT and served.entry is not None
    return read, served.entry


def audits(cache: CacheService) -> dict[str, int]:
    return named(cache.totals(), "audit")


class TestAudit:
    @pytest.mark.parametrize("body", [b"one", b"one and " * 100])
    async def test_is_content_with_what_is_the_same(self, cache: CacheService, source: Source, body: bytes) -> None:
        source.body = body

        assert await cache.auditor.audit(*await hit(cache, source)) == MATCH
        assert (await cache.read(Read(KEY, POLICY, source.load))).outcome is Outcome.HIT

    @pytest.mark.parametrize("change", [{"body": b"two"}, {"status": 203}])
    async def test_sees_what_is_another_under_the_same_tokens_says_so_and_drops_it(
        self, cache: CacheService, source: Source, change: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        read, entry = await hit(cache, source)
        for name, value in change.items():
            setattr(source, name, value)

        assert await cache.auditor.audit(read, entry) == MISMATCH
        assert (await cache.read(read)).outcome is Outcome.MISS
        assert "a stale answer: mina:temp:k" in caplog.text
        assert "two" not in caplog.text

    async def test_knows_nothing_where_there_was_a_write_meanwhile(self, cache: CacheService, source: Source) -> None:
        """What it loaded may be newer than the hit, which was right at its time."""
        read, entry = await hit(cache, source)
        source.reading.clear()
        source.gate.clear()
        auditing = asyncio.create_task(cache.auditor.audit(read, entry))
        await source.reading.wait()
        source.body = b"two"
        await cache.invalidate_tags("meeting:1")
        source.gate.set()

        assert await auditing == UNKNOWN

    async def test_knows_nothing_where_the_entry_was_loaded_anew(self, cache: CacheService, source: Source) -> None:
        read, entry = await hit(cache, source)
        await cache.invalidate_tags("meeting:1")
        await cache.read(read)

        assert await cache.auditor.audit(read, entry) == UNKNOWN

    async def test_knows_nothing_of_what_is_one_requests_alone(self, cache: CacheService, source: Source) -> None:
        read, entry = await hit(cache, source)
        source.body = None

        assert await cache.auditor.audit(read, entry) == UNKNOWN

    async def test_knows_nothing_without_redis(self, private_valkey: PrivateValkey, source: Source) -> None:
        async with a_cache(private_valkey.url) as cache:
            read, entry = await hit(cache, source)
            private_valkey.kill()

            assert await cache.auditor.audit(read, entry) == UNKNOWN


class TestConsider:
    async def test_audits_what_is_wanted_and_counts_what_came_of_it(self, cache: CacheService, source: Source) -> None:
        read, entry = await hit(cache, source)

        cache.auditor.consider(read, entry)
        cache.auditor.consider(read, entry, wanted=True)
        await until(lambda: audits(cache))

        assert audits(cache) == {MATCH: 1}

    async def test_audits_one_at_a_time(self, cache: CacheService, source: Source) -> None:
        read, entry = await hit(cache, source)
        source.gate.clear()
        for _ in range(5):
            cache.auditor.consider(read, entry, wanted=True)
        source.gate.set()
        await until(lambda: audits(cache))
        cache.auditor.consider(read, entry, wanted=True)
        await until(lambda: audits(cache) == {MATCH: 2})

        assert audits(cache) == {MATCH: 2}

    async def test_counts_a_load_that_fails_as_nothing_to_be_known(
        self, cache: CacheService, source: Source, caplog: pytest.LogCaptureFixture
    ) -> None:
        read, entry = await hit(cache, source)
        source.failure = LookupError("gone")
        cache.auditor.consider(read, entry, wanted=True)
        await until(lambda: audits(cache))

        assert audits(cache) == {UNKNOWN: 1}
        assert [record.levelno for record in caplog.records if "the audit of" in record.message] == [logging.WARNING]

    async def test_is_ended_with_the_cache(self, valkey_url: str, source: Source) -> None:
        async with a_cache(valkey_url) as cache:
            read, entry = await hit(cache, source)
            source.reading.clear()
            source.gate.clear()
            cache.auditor.consider(read, entry, wanted=True)
            await source.reading.wait()

        assert audits(cache) == {}


async def _is(client: httpx.AsyncClient, value: int) -> bool:
    return bool((await client.get("/number")).json() == value)


class Numbers:
    """A cached endpoint whose number changes without any invalidation."""

    def __init__(self) -> None:
        self.value = 1
        self.calls = 0

    def router(self) -> APIRouter:
        router = APIRouter(route_class=CachedRoute)

        @router.get("/number")
        @cache_response(ttl=60, shared=True)
        async def get_number() -> int:
            self.calls += 1
            return self.value

        return router


@pytest.fixture
def a_number() -> Numbers:
    return Numbers()


class TestShare:
    @pytest.mark.parametrize(("share", "chance", "audited"), [(0.5, 0.4, True), (0.5, 0.5, False), (0.0, 0.0, False)])
    async def test_is_of_the_hits_of_cached_endpoints(
        self, serving: Serving, a_number: Numbers, share: float, chance: float, audited: bool
    ) -> None:
        async with serving(a_number.router(), audit_share=share, chance=lambda: chance) as client:
            loaded = await client.get("/number")
            a_number.value += 1
            stale = await client.get("/number")
            await until(lambda: a_number.calls == 2 or not audited)
            await until(lambda: _is(client, a_number.value if audited else 1))

        assert (loaded.json(), stale.json()) == (1, 1)
