"""Servers of Redis or Valkey that make up a topology, each in a directory of its own."""

import contextlib
import signal
import socket
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from mina_api.dev.ports import free_port
from mina_api.dev.processes import Child, spawn, wait_until

LINES = {
    "bind": "127.0.0.1",
    "protected-mode": "no",
    "save": '""',
    "appendonly": "no",
    "loglevel": "notice",
    "repl-diskless-sync-delay": "0",
    "repl-timeout": "10",
}


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections at `port`."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Node:
    """One server; `lines` are those of its configuration, which it may rewrite."""

    def __init__(self, program: Path, directory: Path, *arguments: str, **lines: str) -> None:
        self._program = program
        self.directory = directory
        self._arguments = arguments
        self.port = free_port()
        self._lines = {"port": str(self.port), **{name.replace("_", "-"): value for name, value in lines.items()}}
        self._child: Child | None = None

    def start(self) -> None:
        """Start, or start again, with no data."""
        self.directory.mkdir(parents=True, exist_ok=True)
        configuration = self.directory / "server.conf"
        if not configuration.exists():
            common = {} if "--sentinel" in self._arguments else LINES
            lines = {"dir": str(self.directory), **common, **self._lines}
            configuration.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        log = self.directory / "server.log"
        self._child = spawn([self._program, configuration, *self._arguments], log=log)
        wait_until(lambda: is_listening(self.port), self._child, log, name=str(self._program))

    def listen_with_tls(self) -> None:
        """Have the port take nothing but TLS."""
        self._lines = {"tls-port": self._lines.pop("port"), "port": "0", **self._lines}

    def kill(self) -> None:
        """End it without a word."""
        if self._child is not None:
            self._child.kill()

    def pause(self) -> None:
        """SIGSTOP."""
        if self._child is not None:
            self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        if self._child is not None and self._child.is_alive:
            self._child.signal(signal.SIGCONT)

    def ask(self, *command: Any) -> Any:
        """One command's reply, over a connection of its own; raises what redis-py raises."""
        with Redis(port=self.port, socket_timeout=5, protocol=2, decode_responses=True) as client:
            return client.execute_command(*command)

    def says(self, field: str, section: str) -> str:
        """A field of INFO; empty where it does not answer."""
        try:
            information = self.ask("INFO", section)
        except (RedisError, OSError):
            return ""
        return str(information.get(field, ""))
