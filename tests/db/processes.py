"""Processes of one database that tell each other of writes by Postgres: `a_peer` is what one of them would have."""

import math
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from mina_api.db.outbox import Outbox
from mina_api.db.peers import PostgresPeers
from mina_api.db.session import Database
from tests.servers import a_database


class Served:
    """What a process was asked to do: the tags that are held, and until when it may serve."""

    def __init__(self) -> None:
        self.tags: dict[str, frozenset[str]] = {}
        self.until = math.inf
        self.memory_until = -math.inf
        self.starts = 0

    @property
    def held(self) -> frozenset[str]:
        return frozenset(self.tags)

    def hold(self, owner: str, tags: Iterable[str]) -> None:
        self.tags[owner] = frozenset(tags)

    def drop(self, owner: str) -> None:
        self.tags.pop(owner, None)

    def permit(self, until: float) -> None:
        self.until = until

    def permit_memory(self, until: float) -> None:
        self.until = self.memory_until = until

    def start_over(self) -> None:
        self.starts += 1
        self.memory_until = -math.inf

    @property
    def serves(self) -> bool:
        return time.monotonic() < self.until


class Peer:
    """One process: its peers, its side of it, its database, and what was lifted in Redis by it."""

    def __init__(self, url: str, lease_seconds: float, serves_without_postgres: bool) -> None:
        self.database: Database = a_database(url)
        self.outbox = Outbox(self.database)
        self.served = Served()
        self.lifted: list[str] = []
        self.redis_fails = False
        self.peers = PostgresPeers(
            url,
            self.database,
            drain=self.outbox.drain,
            lease_seconds=lease_seconds,
            hold_seconds=30,
            timeout_seconds=20,
            serves_without_postgres=serves_without_postgres,
        )

    async def lift(self, tags: Sequence[str], _: Sequence[str]) -> None:
        if self.redis_fails:
            raise RuntimeError("Redis is away")
        self.lifted += tags

    async def registered(self) -> set[str]:
        async with self.database.read() as session:
            return set(await self.peers.registered(session))


@asynccontextmanager
async def a_peer(url: str, *, lease_seconds: float = 30, serves_without_postgres: bool = True) -> AsyncIterator[Peer]:
    peer = Peer(url, lease_seconds, serves_without_postgres)
    await peer.peers.start(peer.served)
    try:
        yield peer
    finally:
        await peer.peers.close()
        await peer.database.close()
