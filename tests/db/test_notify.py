"""The connection that listens: of use to others whatever happens to one of its callers."""

import asyncio

import pytest

from mina_api.db.notify import LOST, listening


class TestFetch:
    async def test_that_is_cancelled_leaves_the_connection_to_others(self, database_url: str) -> None:
        async with listening(database_url, (), lambda _, __: None, 60) as connection:
            cancelled = asyncio.create_task(connection.fetch("SELECT pg_sleep(0.2)"))
            await asyncio.sleep(0.05)
            cancelled.cancel()

            rows = await connection.fetch("SELECT 1 AS one")

        assert rows[0]["one"] == 1

    async def test_that_takes_too_long_ends_the_connection(self, database_url: str) -> None:
        async with listening(database_url, (), lambda _, __: None, 0.5) as connection:
            with pytest.raises(LOST):
                await connection.fetch("SELECT pg_sleep(60)")

            assert connection.lost.is_set()
            with pytest.raises(LOST):
                await connection.fetch("SELECT 1")

    async def test_hears_what_is_notified(self, database_url: str) -> None:
        heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        async with listening(database_url, ("mina_test",), lambda *told: heard.put_nowait(told), 60) as connection:
            await connection.fetch("SELECT pg_notify('mina_test', 'so')")

            async with asyncio.timeout(60):
                assert await heard.get() == ("mina_test", "so")
