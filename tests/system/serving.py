"""`mina serve` as a process of its own, against the suite's servers: to be measured, attacked and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from mina_api.dev.ports import free_port
from tests.api import PASSWORD, SECRET_KEY
from tests.system.running import PATIENT

DEADLINE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Serving:
    """A worker that answers at `url`; `log` is what it has written."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, email: str = "ada@example.com") -> httpx.Client:
        """A client with an account of its own and its access token; closed with the server."""
        client = httpx.Client(base_url=self.url, timeout=DEADLINE_SECONDS)
        self.clients.append(client)
        account = {"email": email, "name": email.partition("@")[0].title(), "password": PASSWORD}
        assert client.post("/api/auth/register", json=account).status_code == 201
        answer = client.post("/api/auth/token", data={"username": email, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return client

    def peak_bytes(self) -> int:
        """The most memory that the worker has held, since it began or since `forget_peak`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def forget_peak(self) -> None:
        """Measure the peak from here on (proc(5), clear_refs)."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


@contextmanager
def serving(directory: Path, database_url: str, redis_url: str, **environment: str) -> Iterator[Serving]:
    """A server that is ready; killed after the block if it still runs."""
    port = free_port()
    log = directory / f"serve-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mina_api.cli", "serve", "--port", str(port)],
            env={
                **os.environ,
                "DATABASE_URL": database_url,
                "REDIS_URL": redis_url,
                "MINA_SECRET_KEY": SECRET_KEY,
                "MINA_LOG_LEVEL": "WARNING",
                **PATIENT,
                **environment,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    served = Serving(f"http://127.0.0.1:{port}", process, log)
    try:
        _await_ready(served)
        yield served
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(DEADLINE_SECONDS)
        for client in served.clients:
            client.close()


def _await_ready(served: Serving) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        assert served.process.poll() is None, served.log.read_text()
        try:
            if httpx.get(f"{served.url}/ops/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(served.log.read_text())


Serve = Callable[..., Serving]


@pytest.fixture
def serve(tmp_path: Path, database_url: str, valkey_url: str) -> Iterator[Serve]:
    """Starts servers over the test's database and the suite's Valkey; all are ended after the test."""
    with ExitStack() as stack:

        def start(**environment: str) -> Serving:
            started: AbstractContextManager[Serving] = serving(tmp_path, database_url, valkey_url, **environment)
            return stack.enter_context(started)

        yield start
