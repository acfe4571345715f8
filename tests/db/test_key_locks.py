"""Two workers' locks on the cache's keys, by one Postgres."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from mina_api.app import create_app
from mina_api.cache.config import CacheConfig
from mina_api.cache.no_tier import NoTier
from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from mina_api.cache.source import Source
from mina_api.db.key_locks import LOADS, PostgresKeyLock, number_of
from mina_api.db.session import Database
from tests.api import a_meeting, a_settings, counted_queries, register, running
from tests.measured import Measured
from tests.servers import a_database

LONG = 600.0
END_WHO_HAS_LOCKS = """
    SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database =
        (SELECT oid FROM pg_database WHERE datname = current_database())
"""
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = $1 AND objid = $2"


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """Another worker's Database."""
    opened = a_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def console(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of no worker's."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


class Inside:
    """Counts who is in the block at once, each for as long as a query takes."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self.times = 0

    async def __call__(self, database: Database, lock: PostgresKeyLock, name: str = "k") -> None:
        async with lock.alone(name):
            self.now += 1
            self.times += 1
            self.most = max(self.most, self.now)
            async with database.read() as session:
                await session.execute(text("SELECT pg_sleep(0.01)"))
            self.now -= 1


class TestAlone:
    async def test_has_one_worker_in_it_at_a_time(self, database: Database, other: Database) -> None:
        inside = Inside()
        locks = {each: PostgresKeyLock(each.engine, most=2, wait_seconds=LONG) for each in (database, other)}

        await asyncio.gather(*(inside(each, lock) for each, lock in locks.items() for _ in range(2)))

        assert (inside.times, inside.most) == (4, 1)

    async def test_is_for_one_key(self, database: Database, other: Database) -> None:
        mine, theirs = (PostgresKeyLock(each.engine, most=1, wait_seconds=LONG) for each in (database, other))

        async with mine.alone("k"), theirs.alone("another"):
            pass

    async def test_is_entered_without_the_lock_after_so_long(self, database: Database, other: Database) -> None:
        mine, theirs = (PostgresKeyLock(each.engine, most=1, wait_seconds=0.05) for each in (database, other))

        async with mine.alone("k"), theirs.alone("k"):
            pass

    async def test_is_entered_without_a_lock_past_so_many(
        self, database: Database, console: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        lock = PostgresKeyLock(database.engine, most=1, wait_seconds=LONG)

        async with lock.alone("k"), lock.alone("k"), lock.alone("another"):
            held = [await console.fetchval(LOCKS, LOADS, number_of(name) % 2**32) for name in ("k", "another")]

        assert held == [1, 0]
        assert await console.fetchval(LOCKS, LOADS, number_of("k") % 2**32) == 0

    async def test_never_keeps_a_load_from_its_connection(self, database_url: str) -> None:
        small = Database(
            database_url.replace("postgresql://", "postgresql+asyncpg://"),
            pool_size=2,
            pool_overflow=0,
            pool_timeout_seconds=60,
            connect_timeout_seconds=60,
            statement_timeout_seconds=60,
        )
        inside = Inside()
        lock = PostgresKeyLock(small.engine, most=1, wait_seconds=LONG)

        await asyncio.gather(*(inside(small, lock, f"{number % 3}") for number in range(20)))

        assert inside.times == 20
        await small.close()

    async def test_gives_the_lock_back_when_what_is_in_it_fails_or_is_cancelled(
        self, database: Database, other: Database
    ) -> None:
        mine, theirs = (PostgresKeyLock(each.engine, most=1, wait_seconds=LONG) for each in (database, other))
        entered = asyncio.Event()

        async def stay() -> None:
            async with mine.alone("k"):
                entered.set()
                await asyncio.Event().wait()

        staying = asyncio.create_task(stay())
        await entered.wait()
        waiting = asyncio.create_task(Inside()(other, theirs))
        staying.cancel()
        await waiting
        with pytest.raises(LookupError):
            async with mine.alone("k"):
                raise LookupError

        await Inside()(other, theirs)

    async def test_whose_connection_is_ended_goes_on(
        self, database: Database, console: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        lock = PostgresKeyLock(database.engine, most=1, wait_seconds=LONG)

        async with lock.alone("k"):
            await console.execute(END_WHO_HAS_LOCKS)
        async with lock.alone("k"):
            held = await console.fetchval(LOCKS, LOADS, number_of("k") % 2**32)

        assert held == 1

    async def test_of_a_postgres_that_cannot_be_reached_is_entered(self) -> None:
        lost = a_database("postgresql://nobody@127.0.0.1:1/nothing")

        async with PostgresKeyLock(lost.engine, most=1, wait_seconds=LONG).alone("k"):
            pass
        await lost.close()


class TestAStampedeWithoutRedis:
    async def test_over_two_workers_is_one_load_in_each_and_never_two_at_once(
        self, database: Database, other: Database, measured: Measured
    ) -> None:
        inside = Inside()
        async with AsyncExitStack() as stack:
            asking = []
            for each in (database, other):
                lock = PostgresKeyLock(each.engine, most=2, wait_seconds=LONG)
                cache = CacheService(NoTier(), CacheConfig(wait_seconds=LONG), source=Source(lock))
                await cache.start()
                stack.push_async_callback(cache.close)
                cache.coherence.permit_memory(math.inf)
                unlocked = PostgresKeyLock(each.engine, most=0, wait_seconds=LONG)

                async def load(owner: Database = each, free: PostgresKeyLock = unlocked) -> int:
                    await inside(owner, free)
                    return 1

                asking += [cache.get_or_load("k", load, CachePolicy(60)) for _ in range(500)]

            with measured.timed("1,000 answered in"):
                answers = await asyncio.gather(*asking)

        measured.note("by", inside.times, "loads")
        assert set(answers) == {1}
        assert (inside.times, inside.most) == (2, 1)

    async def test_is_locked_by_the_application_and_a_single_request_is_not(self, database_url: str) -> None:
        async with running(create_app(a_settings(database_url, ""))) as app:
            ada = await register(app, "ada@example.com")
            meeting = f"/api/meetings/{await a_meeting(ada)}"
            with counted_queries(app) as of_one:
                answers = [await ada.get(meeting, headers={"Cache-Control": "no-cache"})]
            with counted_queries(app) as of_many:
                answers += await asyncio.gather(
                    *(ada.get(meeting, headers={"Cache-Control": "no-cache"}) for _ in range(20))
                )
            await ada.aclose()

        assert {answer.status_code for answer in answers} == {httpx.codes.OK}
        assert [any("advisory" in each for each in queries) for queries in (of_one, of_many)] == [False, True]
