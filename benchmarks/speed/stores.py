"""What the measured servers keep their data in: a private Valkey, and a private Postgres where one asks for it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil
from redis import Redis
from rich.console import Console

from benchmarks.servers import filled_postgres
from benchmarks.speed.running import LOGS, Cores, pin
from mina_api.dev.valkey import PrivateValkey
from mina_api.settings import new_secret

MEETINGS = 1000


@dataclass
class Stores:
    """Started when first asked for, off the measured server's core; `secret` signs the whole application's tokens."""

    cores: Cores
    console: Console
    stack: ExitStack
    directory: Path = LOGS

    def __post_init__(self) -> None:
        self.secret = new_secret()

    @cached_property
    def valkey(self) -> PrivateValkey:
        """The Valkey."""
        server = PrivateValkey(self.directory / "valkey")
        server.start()
        self.stack.callback(server.stop)
        with Redis.from_url(server.url) as client:
            client.config_set("maxmemory", 0)
        self._pin_children()
        return server

    @cached_property
    def database_url(self) -> str:
        """A database with a demo workspace."""
        url = self.stack.enter_context(filled_postgres(MEETINGS, self.console))
        self._pin_children()
        return url

    def empty_redis(self) -> str:
        """The Valkey's address, with nothing in it."""
        with Redis.from_url(self.valkey.url) as client:
            client.flushall()
        return self.valkey.url

    def _pin_children(self) -> None:
        for child in psutil.Process().children(recursive=True):
            pin(child.pid, self.cores.stores)


@contextmanager
def stores(console: Console) -> Iterator[Stores]:
    """The stores of one run, ended with it."""
    with ExitStack() as stack:
        yield Stores(Cores.of_this_machine(), console, stack)
