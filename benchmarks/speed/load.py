"""The load: wrk with 32 connections on a core of its own."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.speed.running import Running

CONNECTIONS = 32
SCRIPT = Path(__file__).with_name("load.lua")


class LoadFailed(Exception):
    """wrk is not there, or could not do its work."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw; `failed` counts errors and answers of 400 and over."""

    requests: int
    seconds: float
    failed: int
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for: `path` with `{page}` from 1 to `keys`; with 0 keys every page only once, from `first` on."""

    path: str
    keys: int
    first: int = 0

    def page(self, number: int) -> str:
        """The path of one page."""
        return self.path.replace("{page}", str(number))

    def after(self, load: Load) -> "Target":
        """What to ask for next: with 0 keys, pages that `load` did not ask for."""
        return replace(self, first=self.first + load.requests + 2 * CONNECTIONS)


def wrk(running: Running, target: Target, seconds: float, cores: frozenset[int]) -> Load:
    """Load a server for some seconds; raises LoadFailed."""
    program = shutil.which("wrk")
    if program is None:
        raise LoadFailed("wrk is not installed: `apt-get install wrk` (`make bench` does it as root)")
    before, _, after = target.path.partition("{page}")
    done = subprocess.run(
        [
            *(program, "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{max(1, round(seconds))}s"),
            *("--timeout", "30s", "--script", str(SCRIPT), running.url, "--"),
            *(running.headers.get("Authorization", "none"), before, str(target.keys), str(target.first), after),
        ],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("measured ")), None)
    if done.returncode != 0 or line is None:
        raise LoadFailed(f"wrk ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
    return Load(**json.loads(line.removeprefix("measured ")))
