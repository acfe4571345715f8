"""Who was seen to be behind which credentials: recalled only while it would be found out again."""

from collections.abc import AsyncIterator

import pytest

from mina_api.cache.fastapi import Identity, Recollection, Voucher
from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from mina_api.cache.tags import user_tag
from mina_api.cache.testing import FakeClock
from tests.cache.services import a_cache, complete_register, until

TTL = 300
TAG = user_tag("ada")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def cache(valkey_url: str, clock: FakeClock) -> AsyncIterator[CacheService]:
    async with a_cache(valkey_url, clock=clock, memory_bytes=1_000_000, memory_lease_seconds=60.0) as cache:
        await complete_register(valkey_url)
        await until(lambda: cache.serves_from_memory)
        yield cache


class Authentication:
    """What a program does: find out who sends a token, and have it remembered."""

    def __init__(self, cache: CacheService, max_bytes: int = 100_000) -> None:
        self._cache = cache
        self.users: Recollection[str] = Recollection(cache, max_bytes)
        self.is_good = True

    async def verify(self, token: str, expires: float = 2e9) -> Identity:
        async def load() -> str:
            return "ada"

        seen = await self._cache.get_or_load_seen("who:ada", load, CachePolicy(TTL, "session", (TAG,)))
        voucher = Voucher(seen.name, seen.entry, expires, lambda: self.is_good)
        # What was loaded just now is kept; what is in memory is what a look-up after that gives.
        identity = Identity("ada", "ws:1", seen=seen.vintage, voucher=voucher)
        self.users.remember(token, identity, "ada")
        return identity


class TestRecollection:
    async def test_recalls_who_sends_the_same_again(self, cache: CacheService) -> None:
        known = Authentication(cache)
        identity = await known.verify("token")

        recalled = known.users.recall("token")

        assert recalled is not None
        assert (recalled[1], recalled[0].voucher, recalled[0].seen.tokens) == (
            "ada",
            identity.voucher,
            identity.seen.tokens,
        )
        assert known.users.recall("another") is None

    async def test_forgets_who_has_changed_before_the_write_is_acknowledged(self, cache: CacheService) -> None:
        known = Authentication(cache)
        await known.verify("token")

        hold = await cache.hold([TAG])
        while_held = known.users.recall("token")
        await hold.lift()

        assert (while_held, known.users.recall("token"), len(known.users)) == (None, None, 0)

    async def test_reads_as_of_now_what_it_recalls(self, cache: CacheService) -> None:
        """What is made of it is as new as what memory has: a tag that was forgotten before it is none of its."""
        known = Authentication(cache)
        before = await known.verify("token")
        await cache.invalidate_tags("meeting:1")

        recalled = known.users.recall("token")

        assert recalled is not None
        assert recalled[0].seen.fence == cache.memory.fence() > before.seen.fence

    async def test_ends_with_the_credentials_or_the_entry_or_the_voucher(
        self, cache: CacheService, clock: FakeClock
    ) -> None:
        known = Authentication(cache)
        await known.verify("short", clock.now() + 10)
        await known.verify("long")
        clock.advance(10)
        after_ten = [known.users.recall(token) is not None for token in ("short", "long")]
        clock.advance(TTL)
        after_all = known.users.recall("long")
        await known.verify("long")
        known.is_good = False

        assert (after_ten, after_all) == ([False, True], None)
        assert known.users.recall("long") is None

    async def test_is_nothing_without_a_voucher_or_a_lease(self, cache: CacheService) -> None:
        known = Authentication(cache)
        identity = await known.verify("token")
        known.users.remember("bare", Identity("ada", None), "ada")
        cache.memory.clear()

        assert known.users.recall("token") is None
        known.users.remember("late", identity, "ada")
        assert [known.users.recall(token) for token in ("bare", "late")] == [None, None]

    async def test_is_bounded(self, cache: CacheService) -> None:
        known = Authentication(cache, 20_000)
        for number in range(100):
            await known.verify(f"{number}" * 50)

        assert 2 < len(known.users) < 15
