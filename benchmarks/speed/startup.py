"""How long `mina serve` takes to its first answer, and what a worker holds at rest."""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil

from benchmarks.speed.running import Running, started
from benchmarks.speed.stores import Stores

REST_SECONDS = 2.0
LIMIT_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Resting:
    """`mina serve` with some workers: seconds to the first answer in each round, and a worker's memory in MiB."""

    HEADS: ClassVar[tuple[str, ...]] = (
        "`mina serve`",
        "first answer s (median)",
        f"under {LIMIT_SECONDS} s",
        "least–most",
        "worker RSS MiB",
        "worker PSS MiB",
    )

    workers: int
    seconds: tuple[float, ...]
    rss_mib: float
    pss_mib: float

    def cells(self) -> tuple[str, ...]:
        """One line of the table."""
        median = statistics.median(self.seconds)
        return (
            f"{self.workers} worker{'s' * (self.workers > 1)}",
            f"{median:.2f}",
            "yes" if median < LIMIT_SECONDS else "**no**",
            f"{min(self.seconds):.2f}–{max(self.seconds):.2f}",
            f"{self.rss_mib:.0f}",
            f"{self.pss_mib:.0f}",
        )


def resting(stores: Stores, workers: int, rounds: int) -> Resting:
    """Start it some times, after once that fills the caches of files and of bytecode."""
    taken: list[float] = []
    memory: list[tuple[float, float]] = []
    environment = {
        "DATABASE_URL": stores.database_url(),
        "REDIS_URL": stores.empty_redis(),
        "MINA_SECRET_KEY": stores.secret,
    }
    command = (sys.executable, "-m", "mina_api.cli", "serve", "--port", "{port}", "--workers", str(workers))
    every_core = stores.cores.server | stores.cores.load
    for number in range(rounds + 1):
        began = time.monotonic()
        with started("starting", command, environment, every_core, ready="/ops/health/live") as running:
            if number:
                taken.append(time.monotonic() - began)
            time.sleep(REST_SECONDS)
            memory.append(_of_a_worker(running, workers))
    return Resting(workers, tuple(taken), _median(memory, lambda each: each[0]), _median(memory, lambda each: each[1]))


def _of_a_worker(running: Running, workers: int) -> tuple[float, float]:
    parent = psutil.Process(running.pid)
    processes = parent.children() if workers > 1 else [parent]
    largest = max(processes, key=lambda each: each.memory_info().rss)
    return largest.memory_info().rss / 2**20, _pss(largest.pid) / 2**20


def _pss(pid: int) -> int:
    """Memory with what is shared counted in shares (proc(5), smaps_rollup)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _median(values: list[tuple[float, float]], of: Callable[[tuple[float, float]], float]) -> float:
    return statistics.median(of(each) for each in values)
