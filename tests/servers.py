"""Real servers for the suite: started by it, on free ports, gone with it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from mina_api.db.migrations import upgrade
from mina_api.db.session import Database
from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.valkey import PrivateValkey

TEMPLATE = "mina"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    """The suite's Postgres, whose database `mina` is migrated and otherwise empty."""
    server = PrivatePostgres(tmp_path_factory.mktemp("postgres"), durable=False)
    upgrade(server.start())
    yield server
    server.stop()


@pytest.fixture
async def database_url(postgres: PrivatePostgres) -> AsyncIterator[str]:
    """A migrated, empty database of the test's own."""
    name = f"test_{next(_numbers)}"
    administration = postgres.url.rsplit("/", 1)[0] + "/postgres"
    connection = await asyncpg.connect(administration)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        yield postgres.url.rsplit("/", 1)[0] + f"/{name}"
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


def a_database(url: str, *, statement_timeout_seconds: float = 15.0) -> Database:
    """A Database on `url` with small pools."""
    return Database(
        url.replace("postgresql://", "postgresql+asyncpg://"),
        pool_size=5,
        pool_overflow=5,
        pool_timeout_seconds=5,
        connect_timeout_seconds=5,
        statement_timeout_seconds=statement_timeout_seconds,
    )


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A Database on the test's own database."""
    opened = a_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateValkey]:
    """The suite's Valkey."""
    server = PrivateValkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def valkey_url(valkey: PrivateValkey) -> str:
    """The suite's Valkey, emptied."""
    async with Redis.from_url(valkey.url) as client:
        await client.flushall()
    return valkey.url


@pytest.fixture
def private_valkey(tmp_path: Path) -> Iterator[PrivateValkey]:
    """A Valkey of the test's own, to stop, pause and start again."""
    server = PrivateValkey(tmp_path / "valkey")
    server.start()
    yield server
    server.resume()
    server.stop()


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    """Every test ends with the tasks that it began with."""
    before = asyncio.all_tasks()
    yield
    own = {asyncio.current_task()}
    left = {task for task in asyncio.all_tasks() - before - own if not task.done()}
    if left:
        _, left = await asyncio.wait(left, timeout=2)
    assert not left, f"left running: {left}"
