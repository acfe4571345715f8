"""Child servers that cannot outlive us: in a session of their own, ended when we end, however we end."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1


class StartFailed(Exception):
    """A server did not come up; the message ends with the last lines of its log."""


class Child:
    """A running server; `stop` is idempotent."""

    def __init__(self, process: subprocess.Popen[bytes], ending: signal.Signals) -> None:
        self.process = process
        self._ending = ending

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it is gone."""
        if self.is_alive:
            self.process.send_signal(number)

    def stop(self, patience_seconds: float = 15.0) -> None:
        """End it gracefully, then by force."""
        self.signal(signal.SIGCONT)
        self.signal(self._ending)
        try:
            self.process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, with what it started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
            for each in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
        self.process.wait()


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path | None = None,
    ending: signal.Signals = signal.SIGTERM,
    environment: Mapping[str, str] | None = None,
    drops_privileges: bool = False,
) -> Child:
    """Start `command`; without a log it writes where we do."""
    output = log.open("ab") if log is not None else None
    try:
        process = subprocess.Popen(  # noqa: S603  (the command is ours)
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            env=dict(environment) if environment is not None else None,
            start_new_session=True,
            preexec_fn=None if drops_privileges else _die_with_parent(ending),
        )
    finally:
        if output is not None:
            output.close()
    return Child(process, ending)


def _die_with_parent(ending: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(ending))
        if os.getppid() != parent:
            os._exit(1)

    return ask


def wait_until(ready: Callable[[], bool], child: Child, log: Path, *, name: str, seconds: float = 30.0) -> None:
    """Return once `ready`; raises StartFailed if the child ends first or takes longer."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not child.is_alive:
            raise StartFailed(f"{name} ended with code {child.process.returncode}: {last_lines(log)}")
        if time.monotonic() > deadline:
            child.kill()
            raise StartFailed(f"{name} did not come up in {seconds:.0f} s: {last_lines(log)}")
        time.sleep(0.02)


def last_lines(log: Path, count: int = 5) -> str:
    """The end of a log."""
    with contextlib.suppress(OSError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    return "(no log)"


def end_leftover(pid: int, marker: str, ending: signal.Signals) -> None:
    """End a server of an earlier run, if `pid` still is one: its command line holds `marker`."""
    try:
        process = psutil.Process(pid)
        if not any(marker in part for part in process.cmdline()):
            return
        process.send_signal(ending)
        process.wait(15)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(5)
    except psutil.Error:
        return
