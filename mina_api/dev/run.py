"""`make run`, once the virtual environment is there: servers, migrations, demo data, uvicorn, until Ctrl-C."""

import asyncio
import fcntl
import os
import queue
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mina_api.db.migrations import upgrade
from mina_api.dev.binaries import ServerMissing
from mina_api.dev.demo import DEMO_EMAIL, DEMO_PASSWORD, seed_demo
from mina_api.dev.ports import next_free_port
from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.processes import Child, StartFailed, spawn
from mina_api.dev.redis_switch import START, STOP, announce, forget, switch
from mina_api.dev.token import fetch_token
from mina_api.dev.valkey import PrivateValkey
from mina_api.settings import load_database_settings, new_secret

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class AlreadyRunning(Exception):
    """Another `make run` has this directory."""


def run(directory: Path, port: int, workers: int, *, with_demo: bool = True) -> int:
    """Serve until told to stop; the exit code. Raises AlreadyRunning, ServerMissing or StartFailed."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_one(directory), _signals() as asked:
        development = _Development(directory, with_demo)
        try:
            return development.serve(port, workers, asked)
        finally:
            development.stop()


class _Development:
    """What one `make run` starts, and therefore ends; nothing else."""

    def __init__(self, directory: Path, with_demo: bool) -> None:
        self._directory = directory
        self._with_demo = with_demo
        self._postgres: PrivatePostgres | None = None
        self._valkey: PrivateValkey | None = None
        self._uvicorn: Child | None = None

    def serve(self, port: int, workers: int, asked: "queue.SimpleQueue[int]") -> int:
        database_url = _given_database() or self._start_postgres()
        redis_url = os.environ["REDIS_URL"] if "REDIS_URL" in os.environ else self._start_valkey()
        _write(self._directory / "database_url", database_url)
        _write(self._directory / "redis_url", redis_url)
        ops_token = os.environ.get("MINA_OPS_TOKEN") or _kept_secret(self._directory / "ops_token")
        _write(self._directory / "ops_token", ops_token)
        print("mina: migrating the database", flush=True)
        upgrade(database_url)
        if self._with_demo:
            self._seed(database_url)
        free = next_free_port(port)
        if free != port:
            print(f"mina: port {port} is taken, using {free}", flush=True)
        self._uvicorn = spawn(
            [sys.executable, "-m", "mina_api.cli", "serve", "--port", str(free), "--workers", str(workers)],
            environment={
                **os.environ,
                "DATABASE_URL": database_url,
                "REDIS_URL": redis_url,
                "MINA_OPS_TOKEN": ops_token,
                "MINA_SECRET_KEY": os.environ.get("MINA_SECRET_KEY") or _kept_secret(self._directory / "secret_key"),
            },
        )
        address = f"http://127.0.0.1:{free}"
        if not self._wait_until_it_answers(address, asked):
            return 0
        self._welcome(address)
        return self._watch(asked)

    def stop(self) -> None:
        """End uvicorn first, so that its last requests still have their servers."""
        for server in (self._uvicorn, self._valkey, self._postgres):
            if server is not None:
                server.stop()
        forget(self._directory)

    def _seed(self, database_url: str) -> None:
        started = time.monotonic()
        if asyncio.run(seed_demo(database_url)):
            print(f"mina: made a year of demo meetings in {time.monotonic() - started:.0f} s", flush=True)

    def _start_postgres(self) -> str:
        print("mina: starting a private Postgres", flush=True)
        self._postgres = PrivatePostgres(self._directory / "postgres")
        return self._postgres.start()

    def _start_valkey(self) -> str:
        valkey = PrivateValkey(self._directory / "valkey")
        try:
            print("mina: starting a private Valkey", flush=True)
            url = valkey.start()
        except (ServerMissing, StartFailed) as failure:
            print(f"mina: serving without a cache: {failure}", flush=True)
            return ""
        self._valkey = valkey
        announce(self._directory, runs=True)
        return url

    def _wait_until_it_answers(self, address: str, asked: "queue.SimpleQueue[int]") -> bool:
        for _ in range(600):
            if not self._is_serving():
                raise StartFailed("uvicorn ended before it answered: see its lines above")
            if _answers(f"{address}/ops/health/live"):
                return True
            if self._next(asked, 0.05) in ENDINGS:
                return False
        raise StartFailed("uvicorn did not answer within 30 s")

    def _welcome(self, address: str) -> None:
        token = fetch_token(address, DEMO_EMAIL, DEMO_PASSWORD)
        print(f"\nDocs:      {address}/docs   (Authorize: {DEMO_EMAIL}, {DEMO_PASSWORD})")
        token_file = self._directory / "ops_token"
        print(f"Dashboard: {address}/ops/dashboard   (the token in {token_file}, or the same account)")
        if token:
            print(f"A token, ready to paste:\n\nexport TOKEN={token}\n")
        print("Ctrl-C stops all of it.", flush=True)
        print(f"Mina is ready at {address}", flush=True)

    def _watch(self, asked: "queue.SimpleQueue[int]") -> int:
        while True:
            number = self._next(asked, 0.5)
            if number in ENDINGS:
                print("\nmina: stopping", flush=True)
                return 0
            if number in (STOP, START) and self._valkey is not None:
                switch(self._valkey, self._directory, number)
            if not self._is_serving():
                print("mina: uvicorn has ended, stopping", file=sys.stderr, flush=True)
                return 1
            if self._postgres is not None and not self._postgres.is_alive:
                print("mina: Postgres has ended, stopping", file=sys.stderr, flush=True)
                return 1

    def _is_serving(self) -> bool:
        return self._uvicorn is not None and self._uvicorn.is_alive

    @staticmethod
    def _next(asked: "queue.SimpleQueue[int]", seconds: float) -> int:
        try:
            return asked.get(timeout=seconds)
        except queue.Empty:
            return 0


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """A lock that the kernel drops with the process, so that none is ever stale."""
    with (directory / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another `make run` is running in {directory}") from None
        yield


@contextmanager
def _signals() -> Iterator["queue.SimpleQueue[int]"]:
    """The signals that arrive in the block; SimpleQueue is safe to put into from a handler."""
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()
    watched = (*ENDINGS, STOP, START)
    before = {number: signal.signal(number, lambda received, _: asked.put(received)) for number in watched}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _given_database() -> str | None:
    return load_database_settings().plain_url if os.environ.get("DATABASE_URL") else None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  (our own address)
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _kept_secret(path: Path) -> str:
    if not path.exists():
        _write(path, new_secret())
    return path.read_text().strip()


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
