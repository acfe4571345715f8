"""Two processes: one that writes, one that reads."""

from collections.abc import AsyncIterator

import pytest

from tests.db.processes import Peer, a_peer


@pytest.fixture
async def writer(database_url: str) -> AsyncIterator[Peer]:
    async with a_peer(database_url) as peer:
        yield peer


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Peer]:
    async with a_peer(database_url) as peer:
        yield peer
