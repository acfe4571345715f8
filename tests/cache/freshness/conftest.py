"""A cache whose clock and whose chances a test sets, and the source of its answer."""

from collections.abc import AsyncIterator, Iterator

import pytest

from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock
from tests.cache.freshness.answers import Chances, Source
from tests.cache.services import a_cache


@pytest.fixture
def chances() -> Chances:
    return Chances(0.0)


@pytest.fixture
async def cache(valkey_url: str, clock: FakeClock, chances: Chances) -> AsyncIterator[CacheService]:
    async with a_cache(valkey_url, clock=clock, chance=chances) as cache:
        yield cache


@pytest.fixture
def source(clock: FakeClock) -> Iterator[Source]:
    source = Source(clock)
    yield source
    source.gate.set()
