"""A private Valkey (or Redis): a cache without persistence, on a free port, behind a random password."""

import contextlib
import os
import secrets
import signal
import socket
from pathlib import Path

from mina_api.dev.binaries import ServerMissing, redis_program
from mina_api.dev.ports import free_port
from mina_api.dev.processes import Child, end_leftover, spawn, wait_until


class PrivateValkey:
    """A Valkey under `directory`; it keeps port and password over `stop` and `start`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._configuration = self._directory / "valkey.conf"
        self._pid_file = self._directory / "valkey.pid"
        self._log = self._directory / "valkey.log"
        self._password = secrets.token_urlsafe(24)
        self._child: Child | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The address."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.is_alive

    def start(self) -> str:
        """Start, or start again, and give the URL; raises ServerMissing or StartFailed."""
        program = redis_program()
        if program is None:
            raise ServerMissing("no Valkey and no Redis found")
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._end_leftover()
        self.port = self.port or free_port()
        self._write_configuration()
        self._log.unlink(missing_ok=True)
        self._child = spawn([program, self._configuration], log=self._log)
        self._pid_file.write_text(str(self._child.process.pid))
        wait_until(self._is_ready, self._child, self._log, name="Valkey")
        return self.url

    def stop(self) -> None:
        """End it; what it held is gone."""
        if self._child is not None:
            self._child.stop()
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it without a word."""
        if self._child is not None:
            self._child.kill()

    def pause(self) -> None:
        """SIGSTOP: it accepts connections and never answers."""
        if self._child is not None:
            self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        if self._child is not None:
            self._child.signal(signal.SIGCONT)

    def _write_configuration(self) -> None:
        lines = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self._password,
            "save": '""',
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "allkeys-lru",
            "dir": f'"{self._directory}"',
            "loglevel": "warning",
        }
        self._configuration.unlink(missing_ok=True)
        with os.fdopen(os.open(self._configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(f"{name} {value}\n" for name, value in lines.items())

    def _end_leftover(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            end_leftover(int(self._pid_file.read_text()), str(self._configuration), signal.SIGTERM)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
            reply = b""
            while chunk := connection.recv(64):
                reply += chunk
                if b"+PONG" in reply:
                    return True
        return False
