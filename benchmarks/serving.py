"""Applications under uvicorn, processes of one worker each, over a Postgres and a Valkey of the benchmark's own."""

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mina_api.db.migrations import upgrade
from mina_api.dev.ports import free_port
from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.processes import Child, last_lines, spawn
from mina_api.dev.valkey import PrivateValkey
from tests.system.history.connections import Connection, Lost

PEERS_PYTHON = Path(".dev/peers/bin/python")
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the data is, and the servers' log: `directory`/servers.log."""

    directory: Path
    database_url: str
    valkey: PrivateValkey

    @property
    def redis_url(self) -> str:
        """The Valkey's address."""
        return self.valkey.url

    @property
    def log(self) -> Path:
        """What the servers write."""
        return self.directory / "servers.log"


@contextmanager
def stores(directory: Path) -> Iterator[Stores]:
    """A Postgres with Mina's schema, and a Valkey; both gone afterwards."""
    directory.mkdir(parents=True, exist_ok=True)
    postgres, valkey = PrivatePostgres(directory / "postgres", durable=False), PrivateValkey(directory / "valkey")
    try:
        upgrade(postgres.start())
        valkey.start()
        yield Stores(directory, postgres.url, valkey)
    finally:
        valkey.stop()
        postgres.stop()


@dataclass(frozen=True, slots=True)
class Server:
    """A worker that answers at `port`."""

    port: int
    child: Child


def start(stores: Stores, python: Path, module: str, environment: Mapping[str, str]) -> Server:
    """A worker of the application `module`:app, which is told where the data is as Mina and as the others expect it."""
    port = free_port()
    options = ("--port", str(port), "--log-level", "warning", "--no-access-log")
    child = spawn(
        [python, "-m", "uvicorn", f"{module}:app", *options],
        log=stores.log,
        environment={
            **os.environ,
            "BENCH_DATABASE_URL": stores.database_url,
            "BENCH_REDIS_URL": stores.redis_url,
            "DATABASE_URL": stores.database_url,
            "REDIS_URL": stores.redis_url,
            "MINA_LOG_LEVEL": "WARNING",
            **environment,
        },
    )
    return Server(port, child)


async def until_ready(name: str, server: Server, path: str, log: Path) -> None:
    """Return once a worker answers `path` with a 200; raises SystemExit where it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.child.is_alive:
        try:
            connection = await Connection.open(server.port, 1.0)
            _, answer = await connection.ask(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode(), 5.0)
            connection.close()
            if answer.status == 200:
                return
        except Lost:
            pass
        await asyncio.sleep(0.05)
    raise SystemExit(f"{name} does not answer: {last_lines(log)}")
