"""One server that three Sentinels know: a failover under load is no error and no stale answer."""

from pathlib import Path

import pytest

from tests.measured import Measured
from tests.programs import REDIS_PROGRAMS
from tests.topologies.load import under_load
from tests.topologies.sentinels import sentinels

pytestmark = pytest.mark.parametrize("program", REDIS_PROGRAMS.values(), ids=REDIS_PROGRAMS)


class TestFailover:
    async def test_from_a_primary_that_is_killed(
        self, program: Path, tmp_path: Path, database_url: str, measured: Measured
    ) -> None:
        async with sentinels(program, tmp_path) as trio, under_load(database_url, trio.url) as load:
            await load.some_more()
            before = load.epochs

            with measured.timed("by the new one after"):
                trio.servers[0].kill()
                await trio.until_another_is_primary(trio.servers[0])
                await load.until_in_an_epoch_but(*before)
            await load.some_more()
            before = load.epochs

        assert load.wrong == []

    async def test_from_a_primary_that_is_asked_to_go(self, program: Path, tmp_path: Path, database_url: str) -> None:
        async with sentinels(program, tmp_path) as trio, under_load(database_url, trio.url) as load:
            await load.some_more()
            before = load.epochs

            trio.sentinels[0].ask("SENTINEL", "FAILOVER", "mina")
            await trio.until_another_is_primary(trio.servers[0])
            await load.until_in_an_epoch_but(*before)
            await load.some_more()
            before = load.epochs

        assert load.wrong == []

    async def test_from_a_primary_that_comes_back_as_one(
        self, program: Path, tmp_path: Path, database_url: str
    ) -> None:
        """Stopped, replaced, and continued: for a while there are two, and the first answers who still asks it."""
        async with sentinels(program, tmp_path) as trio, under_load(database_url, trio.url) as load:
            await load.some_more()
            before = load.epochs

            trio.servers[0].pause()
            await trio.until_another_is_primary(trio.servers[0])
            trio.servers[0].resume()
            await load.until_in_an_epoch_but(*before)
            await load.some_more()
            before = load.epochs

        assert load.wrong == []
