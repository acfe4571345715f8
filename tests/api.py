"""The application under test: its own database, the suite's Valkey, clients that are signed in."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime

import fastapi.dependencies.models
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.db.outbox import OutboxRow
from mina_api.settings import Settings, load_settings
from tests.both_ways import BothWays

SECRET_KEY = "0123456789abcdef" * 3
OPS_TOKEN = "ops-token-of-the-tests"
PASSWORD = "correct horse battery"

SignUp = Callable[..., Awaitable[httpx.AsyncClient]]


def a_settings(database_url: str, redis_url: str, *, redis_timeout_seconds: float = 5.0, **cache: object) -> Settings:
    """Settings for tests; a busy test machine is no lost Redis, so it is given up late."""
    return load_settings(
        database={"url": database_url},
        redis={
            "url": redis_url,
            "connect_timeout_seconds": redis_timeout_seconds,
            "command_timeout_seconds": redis_timeout_seconds,
        },
        cache={"memory_lease_seconds": 0.1, "audit_share": 0.0, **cache},
        auth={"secret_key": SECRET_KEY, "ops_token": OPS_TOKEN},
        log={"level": "WARNING"},
    )


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[FastAPI]:
    """The application within its lifespan."""
    try:
        async with app.router.lifespan_context(app):
            yield app
    finally:
        _let_go()


def _let_go() -> None:
    """Have FastAPI's caches forget whose endpoints they know: each would keep its application for as long as we run."""
    for each in vars(fastapi.dependencies.models).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()


def a_client(app: FastAPI, token: str | None = None, *, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """A client of `app` at `address`, signed in by `token`."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(transport=BothWays(app, address), base_url="http://mina.test", headers=headers)


@pytest.fixture
def clock() -> FakeClock:
    """2026-11-24 06:00 UTC, a Tuesday, until advanced."""
    return FakeClock()


@pytest.fixture
def settings(database_url: str, valkey_url: str) -> Settings:
    """Settings with the test's own database and the suite's Valkey."""
    return a_settings(database_url, valkey_url)


@pytest.fixture
async def app(settings: Settings, clock: FakeClock) -> AsyncIterator[FastAPI]:
    """The application, started."""
    async with running(create_app(settings, clock=clock)) as started:
        yield started


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is nobody."""
    async with a_client(app) as anonymous:
        yield anonymous


async def register(app: FastAPI, email: str) -> httpx.AsyncClient:
    """A client that is signed in as a new user with a workspace of their own."""
    async with a_client(app) as anonymous:
        answer = await anonymous.post(
            "/api/auth/register", json={"email": email, "password": PASSWORD, "name": email.split("@")[0].title()}
        )
    assert answer.status_code == 201, answer.text
    return a_client(app, answer.json()["access_token"])


@pytest.fixture
async def sign_up(app: FastAPI) -> AsyncIterator[SignUp]:
    """Registers users: `ada = await sign_up("ada@example.com")`."""
    async with AsyncExitStack() as stack:

        async def up(email: str = "ada@example.com") -> httpx.AsyncClient:
            return await stack.enter_async_context(await register(app, email))

        yield up


@pytest.fixture
async def ada(sign_up: SignUp) -> httpx.AsyncClient:
    """A client that is signed in as Ada, owner of her workspace."""
    return await sign_up()


async def a_meeting(client: httpx.AsyncClient, **fields: object) -> int:
    """A new meeting's id."""
    answer = await client.post("/api/meetings/", json={"title": "Retro", **fields})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def today(clock: FakeClock) -> str:
    """A meeting's `scheduled_at` that falls in today, as `clock` has it: Postgres notes creation by its own."""
    return datetime.fromtimestamp(clock.now(), UTC).isoformat()


@contextmanager
def counted_queries(app: FastAPI) -> Iterator[list[str]]:
    """The SELECTs that run in the block, but those of the relay, which looks into the outbox when it likes."""
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")) and OutboxRow.__tablename__ not in statement:
            seen.append(statement)

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
