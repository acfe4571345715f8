"""What a worker answers while its Redis is faulty in each way that is known: 200s, and nothing stale."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from mina_api.app import create_app
from mina_api.dev.ports import free_port
from mina_api.dev.postgres import PrivatePostgres
from tests.api import a_meeting, a_settings, register, running
from tests.measured import Measured
from tests.system.faults.stage import Stage, a_stage

WELL = ("healthy", "degraded")
LOST = ("unavailable",)
Fault = Callable[[Stage], AbstractAsyncContextManager[None]]


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, postgres: PrivatePostgres) -> AsyncIterator[Stage]:
    """One worker for all faults: each has to leave it well."""
    async with a_stage(tmp_path_factory.mktemp("faults"), postgres) as ready:
        yield ready


@asynccontextmanager
async def refused(stage: Stage) -> AsyncIterator[None]:
    stage.valkey.kill()
    yield
    stage.valkey.start()


@asynccontextmanager
async def stopped(stage: Stage) -> AsyncIterator[None]:
    stage.valkey.pause()
    yield
    stage.valkey.resume()


@asynccontextmanager
async def swallowed(stage: Stage) -> AsyncIterator[None]:
    async with stage.spoilt(lambda _: b""):
        yield


@asynccontextmanager
async def garbage(stage: Stage) -> AsyncIterator[None]:
    async with stage.spoilt(lambda data: b"\x00\xff garbage" * (1 + len(data) // 10)):
        yield


@asynccontextmanager
async def nonsense(stage: Stage) -> AsyncIterator[None]:
    """Well-formed replies, to something else."""
    async with stage.spoilt(lambda _: b"+OK\r\n"):
        yield


@asynccontextmanager
async def truncated(stage: Stage) -> AsyncIterator[None]:
    async with stage.spoilt(lambda data: data[: len(data) // 2]):
        yield


@asynccontextmanager
async def loading(stage: Stage) -> AsyncIterator[None]:
    async with stage.spoilt(lambda _: b"-LOADING Valkey is loading the dataset in memory\r\n"):
        yield


@asynccontextmanager
async def slow(stage: Stage) -> AsyncIterator[None]:
    """Two seconds for each reply."""
    stage.network.delay_seconds = 2.0
    yield
    stage.network.delay_seconds = 0.0


@asynccontextmanager
async def full(stage: Stage) -> AsyncIterator[None]:
    """OOM under `noeviction`."""
    before = stage.settings("maxmemory*")
    stage.console.config_set("maxmemory-policy", "noeviction", "maxmemory", "1")
    yield
    stage.console.config_set("maxmemory-policy", before["maxmemory-policy"], "maxmemory", before["maxmemory"])


@asynccontextmanager
async def a_replica(stage: Stage) -> AsyncIterator[None]:
    """READONLY."""
    stage.console.replicaof("127.0.0.1", free_port())
    yield
    stage.console.replicaof("NO", "ONE")


@asynccontextmanager
async def unable_to_save(stage: Stage) -> AsyncIterator[None]:
    """MISCONF: the last snapshot failed, so writes are refused."""
    in_the_way = stage.directory / "dump.rdb"
    in_the_way.mkdir()
    (in_the_way / "file").touch()
    stage.console.config_set("save", "3600 1")
    stage.console.bgsave()
    async with asyncio.timeout(60):
        while stage.console.info("persistence")["rdb_last_bgsave_status"] != "err":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    yield
    stage.console.config_set("save", "")


@asynccontextmanager
async def another_password(stage: Stage) -> AsyncIterator[None]:
    before = stage.settings("requirepass")
    stage.console.config_set("requirepass", "another")
    stage.network.cut()
    yield
    stage.console.config_set("requirepass", before["requirepass"])


@asynccontextmanager
async def too_many_clients(stage: Stage) -> AsyncIterator[None]:
    before = stage.settings("maxclients")
    stage.console.config_set("maxclients", "1")
    stage.network.cut()
    yield
    stage.console.config_set("maxclients", before["maxclients"])


LOSSES = (
    *(refused, stopped, swallowed, garbage, nonsense, truncated, loading, slow),
    *(full, a_replica, unable_to_save, another_password, too_many_clients),
)


class TestALostRedis:
    @pytest.mark.parametrize("fault", LOSSES, ids=lambda fault: fault.__name__)
    async def test_opens_the_breaker_and_every_answer_is_200_and_current(
        self, stage: Stage, fault: Fault, measured: Measured
    ) -> None:
        await stage.until(*WELL)
        stage.answers.clear()

        async with fault(stage):
            await stage.use()
            await stage.until(*LOST)
            await stage.use()
        await stage.until(*WELL)
        await stage.use()

        measured.slowest("slowest answer", stage.answers)
        assert {answer.status_code for answer in stage.answers} == {200}
        assert await stage.hits()


class TestABearableRedis:
    async def test_of_50_ms_a_reply_is_used(self, stage: Stage, measured: Measured) -> None:
        await stage.until(*WELL)
        stage.answers.clear()

        stage.network.delay_seconds = 0.05
        await stage.use()
        await stage.until("degraded")
        stage.network.delay_seconds = 0.0
        measured.slowest("slowest answer", stage.answers)
        await stage.until("healthy", "degraded")

        assert {answer.status_code for answer in stage.answers} == {200}

    async def test_that_has_forgotten_the_scripts_is_told_them_again(self, stage: Stage) -> None:
        """NOSCRIPT; after a restart every new connection brings them anyway."""
        await stage.until(*WELL)
        stage.answers.clear()
        lost_before = stage.log().count("Redis is lost")

        stage.console.script_flush()
        await stage.use()

        assert {answer.status_code for answer in stage.answers} == {200}
        assert "NOSCRIPT" not in stage.log()
        assert stage.log().count("Redis is lost") == lost_before


class TestANameThatIsUnknown:
    async def test_is_a_lost_redis(self, database_url: str, measured: Measured) -> None:
        """DNS fails: `.invalid` is nobody's (RFC 6761)."""
        async with running(create_app(a_settings(database_url, "redis://redis.invalid:6379/0"))) as app:
            ada = await register(app, "ada@example.com")
            meeting = await a_meeting(ada)
            answers = [await ada.get(f"/api/meetings/{meeting}") for _ in range(3)]
            health = await ada.get("/ops/health")
            await ada.aclose()

        measured.slowest("slowest answer", answers)
        assert {answer.status_code for answer in answers} == {200}
        assert health.json()["cache"]["status"] == "unavailable"
