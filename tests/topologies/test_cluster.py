"""A Cluster of six: moving slots and losing primaries under load is no error and no stale answer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from mina_api.cache.keys import manual_key
from mina_api.cache.testing import assert_never_stale
from tests.cache.services import a_cache
from tests.programs import REDIS_PROGRAMS
from tests.topologies.clusters import TOKENS, cluster
from tests.topologies.load import under_load

pytestmark = pytest.mark.parametrize("program", REDIS_PROGRAMS.values(), ids=REDIS_PROGRAMS)


class TestCluster:
    async def test_loses_primaries_and_moves_slots_under_load(
        self, program: Path, tmp_path: Path, database_url: str
    ) -> None:
        async with cluster(program, tmp_path) as six, under_load(database_url, six.url) as load:
            await load.some_more()
            seer = six.nodes[5]

            # Slots of entries move, and that of the tokens with them.
            source = six.owner(TOKENS, seen_by=seer)
            target = next(node for node in six.nodes[:3] if node is not source)
            before = load.epochs
            for slot in (*range(TOKENS - 20, TOKENS), TOKENS, *range(TOKENS + 1, TOKENS + 20)):
                await asyncio.to_thread(six.move, slot, source, target)
            await load.until_in_an_epoch_but(*before)
            await load.some_more()

            # The primary of the tokens dies.
            before = load.epochs
            target.kill()
            await six.until_another_owns(TOKENS, target)
            await load.until_in_an_epoch_but(*before)
            await load.some_more()
            await load.until_kept()

        assert load.wrong == []

    async def test_serves_each_entry_from_its_own_server(self, program: Path, tmp_path: Path) -> None:
        names = [manual_key(namespace="mina", prefix="temp", key=f"k{number}").name for number in range(30)]
        async with cluster(program, tmp_path) as six, a_cache(six.url) as cache:
            for number in range(30):
                assert await cache.set(f"k{number}", number, tags=("t",))
            found = await cache.get_many([f"k{number}" for number in range(30)])
            servers = {six.owner(key_slot(name.encode()), seen_by=six.nodes[0]).port for name in names}

            # One slot of an entry moves: its reads follow.
            slot = key_slot(names[0].encode())
            source = six.owner(slot, seen_by=six.nodes[0])
            target = next(node for node in six.nodes[:3] if node is not source)
            await asyncio.to_thread(six.move, slot, source, target)
            moved = await cache.get("k0")

        assert found == {f"k{number}": number for number in range(30)}
        assert len(servers) == 3
        assert moved == 0

    async def test_is_never_stale(self, program: Path, tmp_path: Path) -> None:
        options: dict[str, Any] = {"memory_bytes": 1_000_000, "memory_lease_seconds": 1.0}
        async with (
            cluster(program, tmp_path) as six,
            a_cache(six.url, **options) as one,
            a_cache(six.url, **options) as other,
        ):
            await assert_never_stale([one, other])
