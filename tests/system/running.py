"""`mina dev` as a process of its own, in a directory of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A busy test machine is no lost Redis.
PATIENT = {"MINA_REDIS_CONNECT_TIMEOUT_SECONDS": "5", "MINA_REDIS_COMMAND_TIMEOUT_SECONDS": "5"}


class Running:
    """A started `mina dev`: what it printed, and where it answers."""

    def __init__(self, directory: Path, port: int, **environment: str) -> None:
        self.directory = directory
        self.lines: list[str] = []
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mina_api.cli", "dev", "--port", str(port)],
            env={
                **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")},
                "MINA_DEV_DIR": str(directory),
                "MINA_LOG_LEVEL": "WARNING",
                **PATIENT,
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("Mina is ready at"):
                self._ready.set()
        self._ready.set()

    def wait(self) -> str:
        """The address, once it answers."""
        assert self._ready.wait(90), self.lines
        said = [line for line in self.lines if line.startswith("Mina is ready at ")]
        assert said, self.lines
        return said[-1].removeprefix("Mina is ready at ")

    @property
    def token(self) -> str:
        """The token that it printed to be pasted."""
        return next(match.group(1) for line in self.lines if (match := re.match(r"export TOKEN=(\S+)$", line)))

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it by a signal; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def mina(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another `mina` command beside it."""
        return subprocess.run(
            [sys.executable, "-m", "mina_api.cli", *arguments],
            env={**os.environ, "MINA_DEV_DIR": str(self.directory), "TOKEN": self.token},
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def running(directory: Path, port: int, **environment: str) -> Iterator[Running]:
    """A `mina dev` that is ready, and ended after the block."""
    started = Running(directory, port, **environment)
    try:
        started.wait()
        yield started
    finally:
        if started.process.poll() is None:
            started.end()
