"""How long `mina serve` takes to its first answer, and what a worker holds at rest."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import psutil

from benchmarks.speed.running import LOGS, Cores, Running, started
from benchmarks.speed.stores import Stores

REST_SECONDS = 2.0
LIMIT_SECONDS = 1.5
WORKERS = (1, 2)
READY = "/ops/health/live"
LIBRARIES = "benchmarks.speed.libraries"


@dataclass(frozen=True, slots=True)
class Resting:
    """A server that was started some times: seconds to the first answer in each round, and a worker's memory in MiB.

    The `floor`, if there is one, is what it is compared with, and it may then take LIMIT_SECONDS.
    """

    HEADS: ClassVar[tuple[str, ...]] = (
        "started",
        "first answer s (median)",
        f"under {LIMIT_SECONDS} s",
        "least–most",
        "of its libraries alone",
        "worker RSS MiB",
        "worker PSS MiB",
    )

    name: str
    seconds: tuple[float, ...]
    rss_mib: float
    pss_mib: float
    floor: "Resting | None" = None

    @property
    def median(self) -> float:
        """Seconds to the first answer."""
        return statistics.median(self.seconds)

    def cells(self) -> tuple[str, ...]:
        """One line of the table."""
        held = "yes" if self.median < LIMIT_SECONDS else "**no**"
        return (
            self.name,
            f"{self.median:.2f}",
            held if self.floor is not None else "",
            f"{min(self.seconds):.2f}–{max(self.seconds):.2f}",
            f"{self.median / self.floor.median:.2f}" if self.floor is not None else "",
            f"{self.rss_mib:.0f}",
            f"{self.pss_mib:.0f}",
        )


@dataclass(slots=True)
class _Server:
    """What is started by turns, with so many workers, and what was seen of it."""

    name: str
    command: tuple[str | Path, ...]
    workers: int = 1
    seconds: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)

    def rest(self, environment: Mapping[str, str], cores: Cores) -> None:
        """Start it once, and see how long that takes, and what a worker holds then."""
        began = time.monotonic()
        command = (sys.executable, "-m", *self.command)
        with started("starting", command, environment, cores.server | cores.load, ready=READY) as running:
            self.seconds.append(time.monotonic() - began)
            time.sleep(REST_SECONDS)
            self.memory.append(_of_a_worker(running, self.workers))

    def found(self, floor: Resting | None) -> Resting:
        """All that was seen but in the first round, which fills the caches of files and of bytecode."""
        rss, pss = (statistics.median(each) for each in zip(*self.memory[1:], strict=True))
        return Resting(self.name, tuple(self.seconds[1:]), rss, pss, floor)


def resting(stores: Stores, rounds: int) -> list[Resting]:
    """Start the libraries alone, and `mina serve`, by turns."""
    environment = {
        "DATABASE_URL": stores.database_url(),
        "REDIS_URL": stores.redis_url,
        "MINA_SECRET_KEY": stores.secret,
        # As in an image, where what is installed has been compiled.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    serve = ("mina_api.cli", "serve", "--port", "{port}", "--workers")
    floor = _Server("its libraries alone, one answer", (LIBRARIES, "{port}", _listed(environment)))
    servers = [_Server(f"`mina serve`, {each} worker{'s' * (each > 1)}", (*serve, str(each)), each) for each in WORKERS]
    for _ in range(rounds + 1):
        for each in (floor, *servers):
            stores.empty_redis()
            each.rest(environment, stores.cores)
    least = floor.found(None)
    return [least, *(each.found(least) for each in servers)]


def _listed(environment: Mapping[str, str]) -> Path:
    """A file of the names of the modules that `mina serve` imports of other packages."""
    command = (sys.executable, "-m", LIBRARIES)
    listed = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True)
    names = LOGS / "libraries"
    names.write_bytes(listed.stdout)
    return names


def _of_a_worker(running: Running, workers: int) -> tuple[float, float]:
    parent = psutil.Process(running.pid)
    processes = parent.children() if workers > 1 else [parent]
    largest = max(processes, key=lambda each: each.memory_info().rss)
    return largest.memory_info().rss / 2**20, _pss(largest.pid) / 2**20


def _pss(pid: int) -> int:
    """Memory with what is shared counted in shares (proc(5), smaps_rollup)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
