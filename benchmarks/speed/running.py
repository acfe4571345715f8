"""A measured server as a process: started on a core of its own, asked for its CPU time, ended."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import httpx

from mina_api.dev.ports import free_port
from mina_api.dev.processes import Child, last_lines, spawn

ROOT = Path(__file__).resolve().parents[2]
LOGS = Path(".dev/bench")
START_SECONDS = 60
TICK = os.sysconf("SC_CLK_TCK")


class ServerFailed(Exception):
    """A measured server did not come up, or answered something else than it should."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core does what: the server has one to itself, so that what is measured is its work alone."""

    server: frozenset[int]
    load: frozenset[int]
    stores: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> "Cores":
        """The first core for the server, the second for the load, a third, if there is one, for Redis and Postgres."""
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) < 2:
            every = frozenset(usable)
            return cls(every, every, every)
        return cls(frozenset(usable[:1]), frozenset(usable[1:2]), frozenset(usable[2:3] or usable[1:2]))


def pin(pid: int, cores: frozenset[int]) -> None:
    """Keep a process, in all its threads, on `cores`; one that has ended meanwhile, as some of Postgres do, is none."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), cores)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process in all its threads, those that ended too (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


@dataclass(slots=True)
class Running:
    """A server that answers at `host`, an address and a port."""

    host: str
    child: Child
    log: Path
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.host}"

    @property
    def pid(self) -> int:
        """Its process."""
        return self.child.process.pid

    def get(self, path: str, **headers: str) -> httpx.Response:
        """The answer to one request; raises ServerFailed unless it is a 200."""
        answer = httpx.get(self.url + path, headers={**self.headers, **headers}, timeout=START_SECONDS)
        if answer.status_code != 200:
            raise ServerFailed(f"{path} answers {answer.status_code}: {last_lines(self.log)}")
        return answer


@contextmanager
def started(
    name: str, command: Sequence[str | Path], environment: Mapping[str, str], cores: frozenset[int], *, ready: str
) -> Iterator[Running]:
    """`command` with `{port}` filled in, once `ready` is answered by anything at all; ended after the block."""
    port = free_port()
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name.replace(' ', '-')}.log"
    log.unlink(missing_ok=True)
    child = spawn(
        [str(part).replace("{port}", str(port)) for part in command],
        log=log,
        environment={**os.environ, **environment},
    )
    pin(child.process.pid, cores)
    running = Running(f"127.0.0.1:{port}", child, log)
    try:
        _wait(running, ready)
        yield running
    finally:
        child.stop()


def _wait(running: Running, ready: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if not running.child.is_alive:
            break
        # What waits must take no time from what it waits for: a client like httpx would, at each attempt.
        connection = HTTPConnection(running.host, timeout=START_SECONDS)
        try:
            connection.request("GET", ready)
            connection.getresponse().read()
        except (OSError, HTTPException):
            time.sleep(0.01)
        else:
            return
        finally:
            connection.close()
    raise ServerFailed(f"{running.log.stem} did not come up: {last_lines(running.log)}")
