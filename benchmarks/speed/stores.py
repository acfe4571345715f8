"""What the measured servers keep their data in: a private Valkey, and a private Postgres where one asks for it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache

import psutil
from redis import Redis
from rich.console import Console

from benchmarks.servers import filled_postgres
from benchmarks.speed.running import LOGS, Cores, pin
from mina_api.dev.valkey import PrivateValkey
from mina_api.settings import new_secret

MEETINGS = 1000


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a Redis is, and how to have a database with a demo workspace; `secret` signs the application's tokens."""

    cores: Cores
    redis_url: str
    database_url: Callable[[], str]
    secret: str = field(default_factory=new_secret)

    def redis_cpu_seconds(self) -> float:
        """What Redis has computed for so far, in all its threads."""
        with Redis.from_url(self.redis_url) as client:
            used = client.info("cpu")
        return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])

    def empty_redis(self) -> str:
        """The Redis's address, with nothing in it."""
        with Redis.from_url(self.redis_url) as client:
            client.flushall()
        return self.redis_url


@contextmanager
def stores(console: Console, meetings: int = MEETINGS) -> Iterator[Stores]:
    """Private stores off the measured server's core, ended after the block; Postgres only where it is asked for."""
    cores = Cores.of_this_machine()
    with ExitStack() as stack:
        valkey = PrivateValkey(LOGS / "valkey")
        valkey.start()
        stack.callback(valkey.stop)
        with Redis.from_url(valkey.url) as client:
            client.config_set("maxmemory", 0)

        @cache
        def database_url() -> str:
            url = stack.enter_context(filled_postgres(meetings, console))
            _pin_children(cores)
            return url

        _pin_children(cores)
        yield Stores(cores, valkey.url, database_url)


def _pin_children(cores: Cores) -> None:
    for child in psutil.Process().children(recursive=True):
        pin(child.pid, cores.stores)
