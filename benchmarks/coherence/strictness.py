"""What it costs a writer that nobody is stale: with all workers well, and with one of them stopped."""

import asyncio
import random
import signal
import statistics
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import asyncpg

from benchmarks.coherence.serving import serving
from benchmarks.coherence.variants import MINA, MINA_NONE
from benchmarks.serving import Server, Stores
from mina_api.db.migrations import upgrade
from tests.system.history.connections import Connection

WORKERS = 4
WRITES = 400
STOPS = 10
WRITES_WHILE_STOPPED = 20
PATIENCE_SECONDS = 30.0
# So that neither's writes meet what is left of the work of reading.
REST_SECONDS = 0.02
READ = b"GET /versioned/1 HTTP/1.1\r\nHost: bench\r\n\r\n"
MOST_ADDED_MS = 3.0
LEASE_MS = 1000.0


@dataclass(slots=True)
class Cost:
    """Times of writes in milliseconds: with the cache and without it by turns, and with a worker stopped."""

    with_cache: list[float] = field(default_factory=list)
    without: list[float] = field(default_factory=list)
    first_stopped: list[float] = field(default_factory=list)
    later_stopped: list[float] = field(default_factory=list)

    @property
    def added_ms(self) -> float:
        """What the cache adds to a write in the middle."""
        return statistics.median(self.with_cache) - statistics.median(self.without)

    @property
    def most_added_stopped_ms(self) -> float:
        """What a worker that has just stopped adds at the most."""
        return max(self.first_stopped) - statistics.median(self.with_cache)

    @property
    def is_within_bounds(self) -> bool:
        """Whether both are as little as they shall be."""
        return self.added_ms <= MOST_ADDED_MS and self.most_added_stopped_ms <= LEASE_MS


class Clients:
    """A connection to each of some servers."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections
        self._version = 0

    @classmethod
    async def of(cls, servers: Sequence[Server]) -> "Clients":
        """Connect to all."""
        return cls([await Connection.open(server.port, PATIENCE_SECONDS) for server in servers])

    async def read(self) -> None:
        """Have every server keep an answer."""
        for connection in self._connections:
            for _ in range(2):
                await connection.ask(READ, PATIENCE_SECONDS)

    async def write_ms(self, worker: int) -> float:
        """How long a write by one of them takes."""
        self._version += 1
        request = f"PUT /versioned/1/{self._version} HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n"
        began, answer = await self._connections[worker].ask(request.encode(), PATIENCE_SECONDS)
        assert answer.status == 200, answer.body
        return 1000 * (answer.ended - began)


async def cost_of_strictness(stores: Stores, report: Callable[[str], None]) -> Cost:
    """Measure it."""
    cost = Cost()
    async with AsyncExitStack() as stack:
        report(f"{WORKERS} workers with the cache, {WORKERS} without")
        strict = await stack.enter_async_context(serving(stores, MINA, WORKERS, 1))
        bare = await stack.enter_async_context(serving(await _another_database(stores), MINA_NONE, WORKERS, 1))
        with_cache, without = await Clients.of(strict), await Clients.of(bare)
        chance = random.Random(1)
        for _ in range(WRITES):
            worker = chance.randrange(WORKERS)
            await asyncio.gather(with_cache.read(), without.read())
            await asyncio.sleep(REST_SECONDS)
            for clients, taken in chance.sample([(with_cache, cost.with_cache), (without, cost.without)], 2):
                taken.append(await clients.write_ms(worker))
        for number in range(STOPS):
            report(f"a worker stopped, {number + 1} of {STOPS}")
            await _stopped(strict, with_cache, number % WORKERS, cost)
    return cost


async def _stopped(servers: Sequence[Server], clients: Clients, worker: int, cost: Cost) -> None:
    await clients.read()
    writer = (worker + 1) % WORKERS
    servers[worker].child.signal(signal.SIGSTOP)
    try:
        cost.first_stopped.append(await clients.write_ms(writer))
        cost.later_stopped += [await clients.write_ms(writer) for _ in range(WRITES_WHILE_STOPPED)]
    finally:
        servers[worker].child.signal(signal.SIGCONT)
    # Until it has a lease again, so that the next one to stop is not the only one with one.
    await clients.read()
    await asyncio.sleep(2 * LEASE_MS / 1000)


async def _another_database(stores: Stores) -> Stores:
    connection = await asyncpg.connect(stores.database_url.rsplit("/", 1)[0] + "/postgres")
    await connection.execute("DROP DATABASE IF EXISTS bare WITH (FORCE)")
    await connection.execute("CREATE DATABASE bare")
    await connection.close()
    bare = replace(stores, database_url=stores.database_url.rsplit("/", 1)[0] + "/bare")
    await asyncio.to_thread(upgrade, bare.database_url)
    return bare
