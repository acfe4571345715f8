"""Invalidations beside a write: noted where the tier could not be told, and tried once more."""

from collections.abc import AsyncIterator, Sequence

import pytest

from mina_api.cache.config import CacheConfig
from mina_api.cache.policy import CachePolicy
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FaultyTier
from tests.cache.services import PATIENT, complete_register

POLICY = CachePolicy(60, tags=("meeting:1",))


class Notes:
    """What was noted, and in which epoch it had been lifted."""

    def __init__(self) -> None:
        self.noted: list[tuple[list[str], bytes | None]] = []

    async def record(self, tags: Sequence[str], *, lifted_in: bytes | None) -> None:
        self.noted.append((list(tags), lifted_in))


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
async def tier(valkey_url: str) -> FaultyTier:
    return FaultyTier(RedisTier(valkey_url, CacheConfig(**PATIENT)))  # type: ignore[arg-type]


@pytest.fixture
async def cache(valkey_url: str, tier: FaultyTier, notes: Notes) -> AsyncIterator[CacheService]:
    started = CacheService(tier, CacheConfig(**PATIENT), journal=notes)  # type: ignore[arg-type]
    await started.start()
    await complete_register(valkey_url)
    yield started
    await started.close()


async def one() -> int:
    return 1


async def two() -> int:
    return 2


class TestInvalidate:
    async def test_notes_the_epoch_in_which_all_who_hear_the_tier_were_told(
        self, cache: CacheService, tier: FaultyTier, notes: Notes
    ) -> None:
        await cache.invalidate_tags("b", "a", "b")
        await cache.invalidate_tags()

        assert notes.noted == [(["a", "b"], tier.epoch)]
        assert tier.calls["lift"] == 1

    async def test_notes_what_it_could_not_tell_and_tries_once_more(
        self, cache: CacheService, tier: FaultyTier, notes: Notes
    ) -> None:
        await cache.get_or_load("k", one, POLICY)
        tier.fail("lift", times=1)

        await cache.invalidate_tags("meeting:1")

        assert (notes.noted, tier.calls["lift"]) == ([(["meeting:1"], None)], 2)
        assert await cache.get_or_load("k", two, POLICY) == 2

    async def test_is_no_error_where_neither_try_succeeds(
        self, cache: CacheService, tier: FaultyTier, notes: Notes
    ) -> None:
        """Who drains the notes does it before anything is read."""
        tier.fail("lift")

        await cache.invalidate_tags("meeting:1")

        assert (notes.noted, cache.get_cache_stats()["errors"]) == ([(["meeting:1"], None)], 2)
