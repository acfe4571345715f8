"""The servers of a run: a Valkey that comes back with other data, and workers with a proxy before each of theirs."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from redis.asyncio import Redis

from mina_api.dev.ports import free_port
from mina_api.dev.processes import Child, last_lines, spawn
from mina_api.dev.valkey import PrivateValkey
from tests.api import SECRET_KEY
from tests.system.history.connections import Connection, Lost
from tests.system.history.proxy import Proxy

READY = b"GET /ops/health/ready HTTP/1.1\r\nHost: mina.test\r\n\r\n"
DEADLINE_SECONDS = 60.0
GRACE_SECONDS = 15.0

# Holds last twice as long as a statement may: short, so that a run sees some expire, and leases end often. Without
# exceptions: that cached answers are served while Postgres alone cannot be reached is one, where Redis alone cannot be
# reached by somebody else.
SETTINGS = {
    "MINA_CACHE_SERVE_WITHOUT_POSTGRES": "false",
    "MINA_DATABASE_STATEMENT_TIMEOUT_SECONDS": "4",
    "MINA_CACHE_MEMORY_LEASE_SECONDS": "1",
    "MINA_CACHE_PEER_LEASE_SECONDS": "1",
}


class Valkey(PrivateValkey):
    """A Valkey whose data can be taken aside and brought back."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._dump = directory / "dump.rdb"

    def client(self) -> Redis:
        """A client past every proxy."""
        return Redis.from_url(self.url)

    async def dump(self) -> bytes:
        """All its data."""
        async with self.client() as client:
            await client.save()
        return self._dump.read_bytes()

    def come_back(self, dump: bytes | None) -> None:
        """Be killed, and start again with the data of `dump`, or with none."""
        self.kill()
        self._dump.unlink(missing_ok=True)
        if dump is not None:
            self._dump.write_bytes(dump)
        self.start()


class Worker:
    """A server process of one worker on a port of its own; `program` is what starts it."""

    def __init__(
        self,
        number: int,
        directory: Path,
        program: Sequence[str],
        postgres_url: str,
        valkey: Valkey,
        environment: Mapping[str, str],
    ) -> None:
        self.number = number
        self.port = free_port()
        self.postgres = Proxy(int(postgres_url.rsplit(":", 1)[1].split("/")[0]))
        self.redis = Proxy(valkey.port)
        self.log = directory / f"worker-{number}.log"
        self._program = program
        self._environment = environment
        self._postgres_url = postgres_url
        self._redis_url = valkey.url
        self._child: Child | None = None

    async def start(self) -> None:
        """Start it, or start it again, and return once it is ready."""
        if not self.redis.port:
            await self.redis.start()
            await self.postgres.start()
        self._child = spawn(
            [sys.executable, "-m", *self._program, "--port", str(self.port)],
            log=self.log,
            ending=signal.SIGKILL,
            environment={
                **os.environ,
                "DATABASE_URL": self._postgres_url.replace(f":{self.postgres.target}/", f":{self.postgres.port}/"),
                "REDIS_URL": self._redis_url.replace(f":{self.redis.target}/", f":{self.redis.port}/"),
                "MINA_SECRET_KEY": SECRET_KEY,
                "MINA_LOG_LEVEL": "WARNING",
                "MINA_AUTH_ACCESS_TOKEN_SECONDS": "86400",
                **SETTINGS,
                **self._environment,
            },
        )
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not await self._is_ready():
            if not self._child.is_alive or time.monotonic() > deadline:
                raise AssertionError(f"worker {self.number} does not answer: {last_lines(self.log, 20)}")
            await asyncio.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._child is not None:
            self._child.signal(number)

    def kill(self) -> None:
        """End it at once."""
        if self._child is not None:
            self._child.kill()

    async def end(self) -> None:
        """Ask it to end, and end it where it does not."""
        self.signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while self._child is not None and self._child.is_alive and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        self.kill()

    async def close(self) -> None:
        """End it and its proxies."""
        self.kill()
        if self.redis.port:
            await self.redis.close()
            await self.postgres.close()

    async def _is_ready(self) -> bool:
        try:
            connection = await Connection.open(self.port, 1.0)
            _, answer = await connection.ask(READY, 5.0)
        except Lost:
            return False
        connection.close()
        return answer.status == 200
