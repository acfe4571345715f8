"""What a worker answers while its Postgres is faulty: what is cached, else 503 problems; it recovers by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import asyncpg
import httpx
import pytest

from mina_api.db.migrations import upgrade
from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.valkey import PrivateValkey
from tests.api import PASSWORD
from tests.measured import Measured
from tests.system.serving import Serving, serving

DEADLINE_SECONDS = 60
WORKER, ITS_PASSWORD = "worker", "of-the-worker"
# A role of the worker's own: what it may do can be changed while it runs, and its connections are told from others.
ROLE = f"CREATE ROLE {WORKER} LOGIN PASSWORD '{ITS_PASSWORD}' IN ROLE mina"
TERMINATE = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{WORKER}'"
UNTIL_TWO_WAIT = """
    DO $$ BEGIN WHILE (SELECT count(*) FROM pg_locks WHERE relation = 'meetings'::regclass AND NOT granted) < 2
    LOOP PERFORM pg_sleep(0.01); END LOOP; END $$
"""
Console: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Stage:
    """A worker, its Postgres, and a meeting that it has."""

    def __init__(self, postgres: PrivatePostgres, served: Serving, client: httpx.AsyncClient) -> None:
        self.postgres = postgres
        self.served = served
        self.client = client
        self.path = ""
        self.version = 0

    async def sign_up(self) -> None:
        """Have an account and a meeting."""
        account = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
        answer = await self.client.post("/api/auth/register", json=account)
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self.path = f"/api/meetings/{(await self.client.post('/api/meetings', json={'title': '0'})).json()['id']}"

    async def cached(self) -> httpx.Response:
        """Read what is in the cache."""
        return await self.client.get(self.path)

    async def read(self) -> httpx.Response:
        """Read from Postgres."""
        return await self.client.get(self.path, headers={"Cache-Control": "no-cache"})

    async def write(self) -> httpx.Response:
        """Change the meeting's title to the next version."""
        return await self.client.patch(self.path, json={"title": str(self.version + 1)})

    async def is_well(self) -> None:
        """Returns once the same worker answers as if nothing had been; what it has acknowledged is what it reads."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (written := await self.write()).status_code != 200:
                assert is_unavailable(written), written.text
                await asyncio.sleep(0.05)
        self.version += 1
        async with asyncio.timeout(DEADLINE_SECONDS):
            is_hit = False
            while not is_hit:
                for answer in (await self.read(), await self.cached()):
                    assert (answer.status_code, answer.json()["title"]) == (200, str(self.version))
                is_hit = answer.headers["cache-status"].startswith("mina; hit")
        assert self.served.process.poll() is None
        assert "unexpected failure" not in self.served.log.read_text()

    @asynccontextmanager
    async def console(self) -> AsyncIterator[Console]:
        """A connection of the test's own."""
        connection = await asyncpg.connect(self.postgres.url, command_timeout=DEADLINE_SECONDS)
        try:
            yield connection
        finally:
            await connection.close()


def is_unavailable(answer: httpx.Response) -> bool:
    """Whether it is a problem that says to come back."""
    return (answer.status_code, answer.headers["content-type"], "retry-after" in answer.headers) == (
        503,
        "application/problem+json",
        True,
    )


@asynccontextmanager
async def a_stage(directory: Path) -> AsyncIterator[Stage]:
    """A worker whose Postgres, and Valkey, nobody else has."""
    with ExitStack() as stack:
        postgres, valkey = PrivatePostgres(directory / "postgres", durable=False), PrivateValkey(directory / "valkey")
        upgrade(postgres.start())
        stack.callback(postgres.stop)
        valkey.start()
        stack.callback(valkey.stop)
        console = await asyncpg.connect(postgres.url)
        await console.execute(ROLE)
        await console.close()
        url = f"postgresql://{WORKER}:{ITS_PASSWORD}@127.0.0.1:{postgres.port}/mina"
        served = await asyncio.to_thread(stack.enter_context, serving(directory, url, valkey.url))
        async with httpx.AsyncClient(base_url=served.url, timeout=DEADLINE_SECONDS) as client:
            ready = Stage(postgres, served, client)
            await ready.sign_up()
            yield ready


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One worker for all faults: each has to leave it well."""
    async with a_stage(tmp_path_factory.mktemp("postgres-faults")) as ready:
        yield ready


@asynccontextmanager
async def stopped(stage: Stage) -> AsyncIterator[None]:
    await asyncio.to_thread(stage.postgres.stop)
    yield
    await asyncio.to_thread(stage.postgres.start)


@asynccontextmanager
async def out_of_connections(stage: Stage) -> AsyncIterator[None]:
    """Every new connection is refused, by SQLSTATE 53300, and there are no old ones."""
    async with stage.console() as console:
        await console.execute(f"ALTER ROLE {WORKER} CONNECTION LIMIT 0")
        assert await console.fetchval(TERMINATE)
        yield
        await console.execute(f"ALTER ROLE {WORKER} CONNECTION LIMIT -1")


Fault = Callable[[Stage], AbstractAsyncContextManager[None]]


class TestALostPostgres:
    @pytest.mark.parametrize("fault", [stopped, out_of_connections], ids=lambda fault: fault.__name__)
    async def test_leaves_what_is_cached_and_all_else_is_503_until_it_is_back(
        self, stage: Stage, fault: Fault, measured: Measured
    ) -> None:
        await stage.is_well()

        async with fault(stage):
            answers = [await ask() for ask in (stage.read, stage.write) for _ in range(3)]
            cached = [await stage.cached() for _ in range(10)]
        with measured.timed("well again in"):
            await stage.is_well()

        measured.slowest("slowest from the cache", cached)
        measured.slowest("slowest refusal", answers)
        assert all(map(is_unavailable, answers)), [answer.text for answer in answers]
        assert {(answer.status_code, answer.json()["title"]) for answer in cached} == {(200, str(stage.version - 1))}


class TestTerminatedConnections:
    async def test_that_are_in_use_are_503_with_nothing_done(self, stage: Stage, measured: Measured) -> None:
        await stage.is_well()

        async with stage.console() as console:
            await console.execute("BEGIN; LOCK TABLE meetings IN ACCESS EXCLUSIVE MODE")
            asking = [asyncio.create_task(ask()) for ask in (stage.read, stage.write)]
            await console.execute(UNTIL_TWO_WAIT)
            with measured.timed("told in"):
                await console.fetchval(TERMINATE)
                answers = await asyncio.gather(*asking)
            await console.execute("COMMIT")
            title = await console.fetchval("SELECT title FROM meetings")
        await stage.is_well()

        assert all(map(is_unavailable, answers)), [answer.text for answer in answers]
        assert title == str(stage.version - 1)

    async def test_that_are_idle_are_not_noticed(self, stage: Stage, measured: Measured) -> None:
        await stage.is_well()

        async with stage.console() as console:
            await console.fetchval(TERMINATE)
            answers = [await ask() for ask in (stage.read, stage.write) for _ in range(3)]
        stage.version += 1

        measured.slowest("slowest answer", answers)
        assert [answer.status_code for answer in answers] == [200] * 6
        await stage.is_well()
