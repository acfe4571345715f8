"""The application by way of a PgBouncer that pools transactions, with fewer connections than the application has."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.db.key_locks import PostgresKeyLock
from mina_api.db.session import Database
from mina_api.settings import load_settings
from tests.api import SECRET_KEY, a_meeting, register, running
from tests.topologies.postgres import pgbouncer


@pytest.fixture
def pooled_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    with pgbouncer(database_url, tmp_path / "pgbouncer") as url:
        yield url


@pytest.fixture
async def app(pooled_url: str, database_url: str, valkey_url: str, clock: FakeClock) -> AsyncIterator[FastAPI]:
    settings = load_settings(
        database={"url": pooled_url, "listen_url": database_url},
        redis={"url": valkey_url, "connect_timeout_seconds": 5.0, "command_timeout_seconds": 5.0},
        cache={"memory_lease_seconds": 0.1},
        auth={"secret_key": SECRET_KEY},
        log={"level": "WARNING"},
    )
    async with running(create_app(settings, clock=clock)) as started:
        yield started


def a_pooled_database(url: str) -> Database:
    """One of more connections than there are behind the pooler."""
    return Database(
        url.replace("postgresql://", "postgresql+asyncpg://"),
        pool_size=8,
        pool_overflow=8,
        pool_timeout_seconds=20,
        connect_timeout_seconds=20,
        statement_timeout_seconds=17,
        pools_transactions=True,
    )


class TestPgBouncer:
    async def test_serves_many_at_once_over_few_connections(self, app: FastAPI) -> None:
        ada = await register(app, "ada@example.com")
        meetings = await asyncio.gather(*(a_meeting(ada, title=f"Meeting {number}") for number in range(12)))

        answers = []
        for round_number in range(3):
            changes = (
                ada.patch(f"/api/meetings/{each}", json={"title": f"Version {round_number}"}) for each in meetings
            )
            answers += await asyncio.gather(*changes)
            answers += await asyncio.gather(
                *(ada.get(f"/api/meetings/{each}") for each in meetings),
                ada.get("/api/meetings"),
                ada.get("/api/analytics/overview"),
                ada.get("/api/analytics/dashboard"),
            )
            assert {answer.json()["title"] for answer in answers[-15:-3]} == {f"Version {round_number}"}
        await ada.aclose()

        assert {answer.status_code for answer in answers} == {200}

    async def test_keeps_each_transactions_limits_and_leaves_nothing_behind(self, pooled_url: str) -> None:
        database = a_pooled_database(pooled_url)

        async def look() -> tuple[str, str, int]:
            async with database.read() as session:
                statement = (await session.execute(text("SHOW statement_timeout"))).scalar_one()
                idle = (await session.execute(text("SHOW idle_in_transaction_session_timeout"))).scalar_one()
                names = text("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")
                return statement, idle, (await session.execute(names)).scalar_one()

        seen = set(await asyncio.gather(*(look() for _ in range(30))))
        await database.close()

        assert seen == {("17s", "17s", 0)}

    async def test_has_one_load_of_a_key_at_a_time_while_redis_is_away(self, pooled_url: str) -> None:
        workers = [a_pooled_database(pooled_url) for _ in range(2)]
        now, most = 0, 0

        async def load(database: Database, lock: PostgresKeyLock) -> None:
            nonlocal now, most
            async with lock.alone("k"), database.read() as session:
                now += 1
                most = max(most, now)
                await session.execute(text("SELECT pg_sleep(0.01)"))
                now -= 1

        locks = [PostgresKeyLock(worker.engine, most=1, wait_seconds=600) for worker in workers]
        for _ in range(5):
            await asyncio.gather(*map(load, workers, locks))
        for worker in workers:
            await worker.close()

        assert most == 1
