"""Deadlocks and serialization failures that Postgres really makes."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mina_api.app import create_app
from mina_api.cache.policy import CachePolicy
from mina_api.db.conflicts import is_conflict
from mina_api.db.session import Database
from tests.api import a_meeting, a_settings, register, running
from tests.measured import Measured

# Who has come to this waits until the other one waits for it, and then asks for one that the other one has: whoever
# looks for deadlocks first is ended, and the other one never looks.
UNTIL_THE_OTHER_WAITS = """
    CREATE FUNCTION meet() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_advisory_xact_lock(2);
        WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))
        LOOP PERFORM pg_sleep(0.01); END LOOP;
    END $$
"""
MEET_ON_UPDATE = """
    CREATE FUNCTION meet_on_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM meet();
        PERFORM pg_advisory_xact_lock(1);
        RETURN NEW;
    END $$
"""
TRIGGER = "CREATE TRIGGER meet BEFORE UPDATE ON meetings FOR EACH ROW EXECUTE FUNCTION meet_on_update()"
LOOKS_AT_ONCE = "ALTER DATABASE {} SET deadlock_timeout = '10ms'"
NEVER_LOOKS = "SET deadlock_timeout = '1h'"
UNTIL_THE_APPLICATION_WAITS = """
    DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 2)
    LOOP PERFORM pg_sleep(0.01); END LOOP; END $$
"""
Console: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Console]:
    """The one whose transaction goes on."""
    connection = await asyncpg.connect(database_url, command_timeout=60)
    await connection.execute(LOOKS_AT_ONCE.format(database_url.rsplit("/", 1)[1]))
    await connection.execute(NEVER_LOOKS)
    await connection.execute(UNTIL_THE_OTHER_WAITS)
    yield connection
    await connection.close()


@pytest.fixture
async def app(other: Console, database_url: str) -> AsyncIterator[FastAPI]:
    """The application, without Redis, whose transactions look for deadlocks at once."""
    async with running(create_app(a_settings(database_url, ""))) as started:
        yield started


class TestALoad:
    async def test_that_is_ended_by_a_deadlock_is_run_again(
        self, app: FastAPI, other: Console, measured: Measured
    ) -> None:
        runs = 0

        async def load() -> int:
            nonlocal runs
            runs += 1
            async with app.state.database.read() as session:
                await session.execute(text("SELECT count(*) FROM meetings"))
                if runs == 1:
                    await session.execute(text("SELECT meet()"))
                return int((await session.execute(text("SELECT count(*) FROM users"))).scalar_one())

        await other.execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        loading = asyncio.create_task(app.state.cache.get_or_load("k", load, CachePolicy(60)))
        await other.execute(UNTIL_THE_APPLICATION_WAITS)
        with measured.timed("answered after"):
            await other.execute("LOCK TABLE meetings IN ACCESS EXCLUSIVE MODE")
            await other.execute("COMMIT")
            loaded = await loading

        assert (loaded, runs) == (0, 2)
        assert app.state.cache.totals()["loads|repeated"] == 1

    async def test_that_always_is_is_not_run_forever(self, app: FastAPI, database: Database) -> None:
        failure = await a_serialization_failure(database)
        runs = 0

        async def load() -> int:
            nonlocal runs
            runs += 1
            raise failure

        with pytest.raises(DBAPIError):
            await app.state.cache.get_or_load("k", load, CachePolicy(60))
        assert runs == 3


class TestAWrite:
    async def test_that_is_ended_by_a_deadlock_is_503_with_nothing_done_and_may_be_sent_again(
        self, app: FastAPI, other: Console, measured: Measured
    ) -> None:
        ada = await register(app, "ada@example.com")
        meeting = await a_meeting(ada, title="Before")
        await other.execute(MEET_ON_UPDATE)
        await other.execute(TRIGGER)
        await other.execute("BEGIN; SELECT pg_advisory_xact_lock(1)")

        writing = asyncio.create_task(ada.patch(f"/api/meetings/{meeting}", json={"title": "After"}))
        await other.execute(UNTIL_THE_APPLICATION_WAITS)
        await other.execute("SELECT FROM meetings FOR UPDATE")
        ended = await writing
        await other.execute("DROP TRIGGER meet ON meetings")
        await other.execute("COMMIT")
        between = await ada.get(f"/api/meetings/{meeting}")
        again = await ada.patch(f"/api/meetings/{meeting}", json={"title": "After"})
        await ada.aclose()

        measured.slowest("told after", [ended])
        measured.slowest("the repeat answered in", [again])
        assert (ended.status_code, ended.headers["retry-after"]) == (503, "1")
        assert ended.headers["content-type"] == "application/problem+json"
        assert "nothing was changed" in ended.json()["detail"]
        assert (between.json()["title"], again.status_code, again.json()["title"]) == ("Before", 200, "After")


async def a_serialization_failure(database: Database) -> DBAPIError:
    """What a transaction gets that writes what another one has written since its snapshot."""
    engine = database.engine.execution_options(isolation_level="REPEATABLE READ")
    count_up = text("UPDATE cache_epoch SET reign = reign || '1'")
    async with database.write() as session:
        await session.execute(text("INSERT INTO cache_epoch (is_only, reign, epoch) VALUES (true, '1', '1')"))
    async with engine.connect() as one, engine.connect() as another:
        await one.execute(text("SELECT * FROM cache_epoch"))
        await another.execute(count_up)
        await another.commit()
        with pytest.raises(DBAPIError) as raised:
            await one.execute(count_up)
    return raised.value


class TestIsConflict:
    async def test_knows_a_serialization_failure_from_others(self, database: Database) -> None:
        with pytest.raises(DBAPIError) as wrong:
            async with database.read() as session:
                await session.execute(text("SELECT nothing"))

        assert is_conflict(await a_serialization_failure(database))
        assert not is_conflict(wrong.value)
        assert not is_conflict(ValueError())
