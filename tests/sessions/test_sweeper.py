import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.sessions.sweeper import Sweeper
from mina_api.settings import Settings
from tests.api import running
from tests.sessions.sockets import a_session


@pytest.fixture
async def postgres_connection(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to the test's database that no application knows of."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def sweeper_of(app: FastAPI) -> Sweeper:
    """An application's sweeper, which here sweeps when it is told to."""
    found: Sweeper = app.state.live._sweeper
    return found


async def silent_for(
    connection: "asyncpg.Connection[asyncpg.Record]", session: int, seconds: float, status: str = "live"
) -> None:
    """Make a session one in which nothing was said for so long."""
    await connection.execute(
        "UPDATE live_sessions SET active_at = now() - $2::interval, status = $3 WHERE id = $1",
        session,
        timedelta(seconds=seconds),
        status,
    )


class TestSweeper:
    async def test_ends_what_is_silent_for_long_and_what_was_left_ending(
        self, app: FastAPI, ada: httpx.AsyncClient, postgres_connection: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        active, silent, left, ending = [await a_session(ada) for _ in range(4)]
        await silent_for(postgres_connection, active, 7_000)
        await silent_for(postgres_connection, silent, 7_300)
        await silent_for(postgres_connection, left, 60, "ending")
        await silent_for(postgres_connection, ending, 1, "ending")
        before = [(await ada.get(f"/api/sessions/{each}")).json()["status"] for each in (silent, left)]

        ended = await sweeper_of(app).sweep()

        after = {each: (await ada.get(f"/api/sessions/{each}")).json() for each in (active, silent, left, ending)}
        meeting = (await ada.get(f"/api/meetings/{after[silent]['meeting_id']}")).json()
        assert before == ["live", "ending"]
        assert sorted(ended) == [silent, left]
        assert [each["status"] for each in after.values()] == ["live", "ended", "ended", "ending"]
        assert meeting["status"] == "completed"

    async def test_sweeps_on_one_worker_at_a_time(
        self,
        app: FastAPI,
        settings: Settings,
        clock: FakeClock,
        ada: httpx.AsyncClient,
        postgres_connection: "asyncpg.Connection[asyncpg.Record]",
    ) -> None:
        sessions = [await a_session(ada) for _ in range(3)]
        for each in sessions:
            await silent_for(postgres_connection, each, 8_000)
        async with running(create_app(settings, clock=clock)) as other:
            results = await asyncio.gather(*(sweeper_of(each).sweep() for each in (app, other, app, other)))
            while not await _all_ended(postgres_connection):
                results.append(await sweeper_of(app).sweep())

        assert sorted(each for result in results for each in result) == sessions

    async def test_goes_on_past_one_that_fails(
        self, app: FastAPI, ada: httpx.AsyncClient, postgres_connection: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        sessions = [await a_session(ada) for _ in range(2)]
        for number, each in enumerate(sessions):
            await silent_for(postgres_connection, each, 9_000 - number)
        await postgres_connection.execute(
            "ALTER TABLE live_sessions ADD CONSTRAINT broken CHECK (id <> $1 OR status <> 'ended')".replace(
                "$1", str(sessions[0])
            )
        )

        ended = await sweeper_of(app).sweep()

        assert ended == [sessions[1]]

    async def test_forgets_tickets_that_nobody_used(
        self,
        app: FastAPI,
        ada: httpx.AsyncClient,
        clock: FakeClock,
        postgres_connection: "asyncpg.Connection[asyncpg.Record]",
    ) -> None:
        await ada.post(f"/api/sessions/{await a_session(ada)}/ticket")
        count = "SELECT count(*) FROM live_tickets"
        await sweeper_of(app).forget()
        before = await postgres_connection.fetchval(count)
        clock.advance(31)

        await sweeper_of(app).forget()

        assert (before, await postgres_connection.fetchval(count)) == (1, 0)


async def _all_ended(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    return not await connection.fetchval("SELECT EXISTS (SELECT FROM live_sessions WHERE status <> 'ended')")
