"""Stopping and starting the Valkey of a running `make run` from another terminal, by signals to it."""

import json
import os
import signal
import time
from pathlib import Path

from mina_api.dev.valkey import PrivateValkey

STOP = signal.SIGUSR1
START = signal.SIGUSR2


class NotRunning(Exception):
    """No `make run` with a Valkey of its own runs in this directory."""


def announce(directory: Path, *, runs: bool) -> None:
    """Note who runs the Valkey and whether it is up, for those who ask."""
    written = directory / "redis_state.json.new"
    written.write_text(json.dumps({"pid": os.getpid(), "runs": runs}))
    written.replace(directory / "redis_state.json")


def forget(directory: Path) -> None:
    """Nobody runs it any more."""
    (directory / "redis_state.json").unlink(missing_ok=True)


def switch(valkey: PrivateValkey, directory: Path, number: int) -> None:
    """Do what a signal asked for."""
    if number == STOP:
        valkey.stop()
    elif not valkey.is_alive:
        valkey.start()
    announce(directory, runs=valkey.is_alive)


def ask(directory: Path, *, runs: bool) -> None:
    """Have it started or stopped; returns once it is. Raises NotRunning."""
    pid, _ = _state(directory)
    try:
        os.kill(pid, START if runs else STOP)
    except ProcessLookupError:
        raise NotRunning(f"no `make run` runs in {directory.parent}") from None
    deadline = time.monotonic() + 30
    while _state(directory)[1] != runs:
        if time.monotonic() > deadline:
            raise NotRunning("`make run` did not do it within 30 s: see its terminal")
        time.sleep(0.05)


def _state(directory: Path) -> tuple[int, bool]:
    try:
        state = json.loads((directory / "redis_state.json").read_text())
        return int(state["pid"]), bool(state["runs"])
    except (OSError, ValueError, KeyError):
        raise NotRunning(f"no `make run` with a Valkey of its own runs in {directory.parent}") from None
