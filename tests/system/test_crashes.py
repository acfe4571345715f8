"""A server killed in the middle of a write."""

import asyncio
import threading
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from tests.measured import Measured
from tests.system.serving import Serve, Serving

WAIT = """
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END'
"""
IN_THE_TRANSACTION = "CREATE TRIGGER wait BEFORE INSERT ON meetings FOR EACH ROW EXECUTE FUNCTION wait()"
IN_THE_COMMIT = (
    "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON meetings DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION wait()"
)
# Polled in the database: nothing tells a test from outside that a backend has come to a lock.
UNTIL_ONE_WAITS = """
    DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)
    LOOP PERFORM pg_sleep(0.01); END LOOP; END $$
"""
UNTIL_NONE_IS_LEFT = """
    DO $$ BEGIN WHILE EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')
    LOOP PERFORM pg_sleep(0.01); END LOOP; END $$
"""
KEY = {"Idempotency-Key": "k-1"}


@pytest.fixture
async def postgres_connection(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to the test's database that no server knows of."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def post(client: httpx.Client) -> httpx.Response:
    return client.post("/api/meetings", json={"title": "Retro"}, headers=KEY)


async def kill_in_a_write(
    server: Serving, client: httpx.Client, postgres: "asyncpg.Connection[asyncpg.Record]", trigger: str
) -> None:
    """Kill `server` while its POST waits in Postgres, which then goes on."""
    await postgres.execute(WAIT)
    await postgres.execute(trigger)
    await postgres.execute("SELECT pg_advisory_lock(1)")
    failures: list[Exception] = []

    def write() -> None:
        try:
            post(client)
        except httpx.TransportError as failure:
            failures.append(failure)

    request = threading.Thread(target=write)
    request.start()
    await postgres.execute(UNTIL_ONE_WAITS)
    server.process.kill()
    await asyncio.to_thread(request.join)
    await postgres.execute("SELECT pg_advisory_unlock(1)")
    await postgres.execute(UNTIL_NONE_IS_LEFT)
    assert failures, "nobody was answered"


class TestAKilledServer:
    @pytest.mark.parametrize(
        ("trigger", "is_committed"), [(IN_THE_TRANSACTION, False), (IN_THE_COMMIT, True)], ids=["before", "after"]
    )
    async def test_leaves_an_idempotent_post_executed_once_by_its_repeat(
        self,
        serve: Serve,
        postgres_connection: "asyncpg.Connection[asyncpg.Record]",
        trigger: str,
        is_committed: bool,
        measured: Measured,
    ) -> None:
        first = serve()
        client = first.client()
        await kill_in_a_write(first, client, postgres_connection, trigger)
        client.base_url = httpx.URL(serve().url)

        repeat, again = post(client), post(client)
        measured.slowest("slowest repeat", (repeat, again))

        assert (repeat.status_code, repeat.headers.get("idempotency-replayed")) == (
            201,
            "true" if is_committed else None,
        )
        assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
        assert again.json() == repeat.json()
        assert client.get("/api/meetings").json()["total"] == 1
