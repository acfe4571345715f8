"""Reads of a streaming replica: none of them is older than what was acknowledged before it began."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from mina_api.app import create_app
from mina_api.db.migrations import upgrade
from mina_api.db.session import Database, ReadSession
from mina_api.dev.postgres import PrivatePostgres
from mina_api.settings import load_settings
from tests.api import SECRET_KEY, a_meeting, register, running
from tests.topologies.postgres import replica_of


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    server = PrivatePostgres(tmp_path_factory.mktemp("primary"), durable=False)
    upgrade(server.start())
    yield server
    server.stop()


@pytest.fixture(scope="module")
def replica(primary: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    with replica_of(primary, tmp_path_factory.mktemp("replica") / "postgres") as server:
        yield server


@pytest.fixture
async def console(replica: PrivatePostgres) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A superuser's connection to the replica, which replays again after the test."""
    connection = await asyncpg.connect(replica.url)
    yield connection
    await connection.execute("SELECT pg_wal_replay_resume()")
    await connection.close()


def a_database(primary: PrivatePostgres, replica: PrivatePostgres, *, wait_seconds: float = 20.0) -> Database:
    return Database(
        primary.url.replace("postgresql://", "postgresql+asyncpg://"),
        pool_size=3,
        pool_overflow=3,
        pool_timeout_seconds=20,
        connect_timeout_seconds=20,
        statement_timeout_seconds=20,
        replica_url=replica.url.replace("postgresql://", "postgresql+asyncpg://"),
        replica_wait_seconds=wait_seconds,
    )


@pytest.fixture
async def database(primary: PrivatePostgres, replica: PrivatePostgres) -> AsyncIterator[Database]:
    """One that waits for the replica for as long as a busy machine makes it late."""
    opened = a_database(primary, replica)
    async with opened.write() as session:
        await session.execute(text("CREATE TABLE IF NOT EXISTS numbers (number int)"))
        await session.execute(text("DELETE FROM numbers"))
    yield opened
    await opened.close()


async def is_of_replica(session: ReadSession) -> bool:
    return bool((await session.execute(text("SELECT pg_is_in_recovery()"))).scalar_one())


async def numbers(session: ReadSession) -> list[int]:
    return list((await session.execute(text("SELECT number FROM numbers ORDER BY number"))).scalars())


async def add(database: Database, number: int) -> None:
    async with database.write() as session:
        await session.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})


class TestReadAtLeisure:
    async def test_is_of_the_replica_once_it_has_what_was_written_before(self, database: Database) -> None:
        for number in range(20):
            await add(database, number)

            async with database.read_at_leisure() as session:
                assert await numbers(session) == list(range(number + 1))
                assert await is_of_replica(session)

    async def test_is_of_the_primary_while_the_replica_lags(
        self,
        primary: PrivatePostgres,
        replica: PrivatePostgres,
        database: Database,
        console: "asyncpg.Connection[asyncpg.Record]",
    ) -> None:
        impatient = a_database(primary, replica, wait_seconds=0.0)
        async with database.read_at_leisure() as session:
            assert await is_of_replica(session)
        await console.execute("SELECT pg_wal_replay_pause()")
        await add(database, 1)

        async with impatient.read_at_leisure() as session:
            while_paused = (await numbers(session), await is_of_replica(session))
        await console.execute("SELECT pg_wal_replay_resume()")
        async with database.read_at_leisure() as session:
            after = (await numbers(session), await is_of_replica(session))
        await impatient.close()

        assert (while_paused, after) == (([1], False), ([1], True))

    async def test_waits_for_what_is_on_its_way(
        self, database: Database, console: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        await console.execute("SELECT pg_wal_replay_pause()")
        await add(database, 1)

        async def read() -> tuple[list[int], bool]:
            async with database.read_at_leisure() as session:
                return await numbers(session), await is_of_replica(session)

        reading = asyncio.create_task(read())
        await asyncio.sleep(0)
        await console.execute("SELECT pg_wal_replay_resume()")

        assert await reading == ([1], True)

    async def test_is_one_snapshot_that_cannot_be_written(self, database: Database) -> None:
        await add(database, 1)
        async with database.read_at_leisure() as session:
            before = await numbers(session)
            await add(database, 2)
            assert await numbers(session) == before == [1]

    async def test_is_of_the_primary_where_there_is_no_replica_to_be_reached(
        self, primary: PrivatePostgres, tmp_path: Path
    ) -> None:
        gone = PrivatePostgres(tmp_path / "gone", durable=False)
        gone.start()
        gone.stop()
        database = a_database(primary, gone)

        for _ in range(2):
            async with database.read_at_leisure() as session:
                assert not await is_of_replica(session)
        await database.close()


class TestAnalytics:
    async def test_of_the_whole_application_show_a_write_at_once_although_the_replica_lags(
        self,
        primary: PrivatePostgres,
        replica: PrivatePostgres,
        valkey_url: str,
        console: "asyncpg.Connection[asyncpg.Record]",
    ) -> None:
        settings = load_settings(
            database={"url": primary.url, "replica_url": replica.url},
            redis={"url": valkey_url, "connect_timeout_seconds": 5.0, "command_timeout_seconds": 5.0},
            cache={"memory_lease_seconds": 0.1},
            auth={"secret_key": SECRET_KEY},
            log={"level": "WARNING"},
        )
        async with running(create_app(settings)) as app:
            ada = await register(app, "ada@example.com")
            seen = []
            for number in range(1, 7):
                await console.execute(f"SELECT pg_wal_replay_{'pause' if number % 2 else 'resume'}()")
                await a_meeting(ada)
                overview = await ada.get("/api/analytics/overview")
                seen.append((overview.status_code, overview.json()["meetings"]))
            await ada.aclose()

        assert seen == [(200, number) for number in range(1, 7)]
