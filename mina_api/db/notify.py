"""One connection of Postgres's own for LISTEN, made anew by whoever needs it; queries on it take turns.

It has to reach Postgres itself: PgBouncer in transaction mode keeps no LISTEN.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import asyncpg

# What a lost, refused or silent connection raises.
LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

Hear = Callable[[str, str], None]


class ListenerConnection:
    """An open connection; every query on it has `timeout_seconds`."""

    def __init__(self, connection: Any, timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout_seconds = timeout_seconds
        self._turn = asyncio.Lock()
        self._queries: set[asyncio.Task[list[Any]]] = set()
        self.lost = asyncio.Event()
        connection.add_termination_listener(lambda _: self.lost.set())

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """The rows of `query`, in a transaction of its own; raises one of LOST.

        Whoever is cancelled leaves it to end by itself: a connection in the middle of a query is of no use to others.
        """
        running = asyncio.create_task(self._run(query, arguments), name="query of a listener")
        self._queries.add(running)
        running.add_done_callback(self._ended)
        return await asyncio.shield(running)

    async def _run(self, query: str, arguments: tuple[Any, ...]) -> list[Any]:
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    rows: list[Any] = await self._connection.fetch(query, *arguments)
            except (TimeoutError, asyncio.CancelledError):
                self._connection.terminate()
                self.lost.set()
                raise
        return rows

    def _ended(self, query: "asyncio.Task[list[Any]]") -> None:
        self._queries.discard(query)
        if not query.cancelled():
            query.exception()


@contextlib.asynccontextmanager
async def listening(
    url: str, channels: Sequence[str], hear: Hear, timeout_seconds: float
) -> AsyncIterator[ListenerConnection]:
    """A connection that hears `channels`: `hear(channel, payload)` is called for what is notified; raises one of LOST.

    What is notified before the LISTEN is committed is not heard: read what it would have told afterwards.
    """
    async with asyncio.timeout(timeout_seconds):
        connection = await asyncpg.connect(
            url, timeout=timeout_seconds, server_settings={"application_name": "mina listener"}
        )
    try:

        def heard(_: Any, __: int, channel: str, payload: object) -> None:
            hear(channel, str(payload))

        async with asyncio.timeout(timeout_seconds):
            for channel in channels:
                await connection.add_listener(channel, heard)
        yield ListenerConnection(connection, timeout_seconds)
    finally:
        # A silent server would keep a polite end waiting.
        connection.terminate()
