"""What a benchmark measures against: a private Postgres with a demo workspace, and `mina serve` over it."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from mina_api.db.migrations import upgrade
from mina_api.dev.demo import DEMO_EMAIL, DEMO_PASSWORD, fill
from mina_api.dev.ports import free_port
from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.processes import spawn
from mina_api.dev.token import fetch_token
from mina_api.settings import new_secret

DIRECTORY = Path(".dev/bench")


@contextmanager
def filled_postgres(meetings: int, console: Console) -> Iterator[str]:
    """The URL of a private Postgres whose demo workspace has `meetings` meetings; kept for the next run of the day."""
    server = PrivatePostgres(DIRECTORY / f"postgres-{meetings}")
    url = server.start()
    try:
        upgrade(url)
        if asyncio.run(_count(url)) != meetings:
            _fill(url, meetings, console)
        yield url
    finally:
        server.stop()


async def _count(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM meetings"))
    finally:
        await connection.close()


def _fill(url: str, meetings: int, console: Console) -> None:
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(f"Making {meetings} meetings", total=meetings)
        asyncio.run(fill(url, meetings=meetings, report=lambda done, _: progress.update(task, completed=done)))


@contextmanager
def serving(database_url: str, *, workers: int = 1, **environment: str) -> Iterator[int]:
    """The port of `mina serve`, without a Redis unless `environment` names one."""
    port = free_port()
    child = spawn(
        [sys.executable, "-m", "mina_api.cli", "serve", "--port", str(port), "--workers", str(workers)],
        log=DIRECTORY / "serve.log",
        environment={
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": "",
            "MINA_SECRET_KEY": new_secret(),
            "MINA_LOG_LEVEL": "WARNING",
            **environment,
        },
    )
    try:
        _wait(f"http://127.0.0.1:{port}")
        yield port
    finally:
        child.stop()


@contextmanager
def served(database_url: str, **environment: str) -> Iterator[httpx.Client]:
    """A client, signed in as the demo user, of one worker."""
    with serving(database_url, workers=1, **environment) as port:
        address = f"http://127.0.0.1:{port}"
        token = fetch_token(address, DEMO_EMAIL, DEMO_PASSWORD)
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
            yield client


def _wait(address: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{address}/ops/health/live", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise SystemExit(f"mina serve did not answer: see {DIRECTORY / 'serve.log'}")
