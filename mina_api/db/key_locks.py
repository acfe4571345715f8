"""Advisory locks on the cache's keys: one worker at a time runs a load that many want, while Redis is away.

The lock ends with its transaction (PgBouncer gives nothing longer than that), which stays open beside the load and
takes a connection of its own. So that loads never wait for connections that locks have, locks take `most` at once,
and who waits for one has none: it tries, gives the connection back, and tries again.
"""

import asyncio
import hashlib
import logging
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

logger = logging.getLogger(__name__)

# Locks of two numbers are apart from those of one, which writers use (`outbox.py`).
LOADS = 0x6C6F6164
_TRY = text("SELECT pg_try_advisory_xact_lock(:loads, :key)").bindparams(loads=LOADS)
_LOST = (OSError, TimeoutError, SQLAlchemyError)
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.1


class PostgresKeyLock:
    """Locks over `engine`: at most `most` at once in this process, none of which is waited for beyond `wait_seconds`.

    Who cannot have one in that time, or at all, goes on without: a load too many harms less than none.
    """

    def __init__(self, engine: AsyncEngine, *, most: int, wait_seconds: float) -> None:
        self._engine = engine
        self._free = most
        self._wait_seconds = wait_seconds

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[None]:
        """A block that no other worker is in for this key, or else a block."""
        if not self._free:
            yield
            return
        self._free -= 1
        try:
            async with AsyncExitStack() as stack:
                try:
                    async with asyncio.timeout(self._wait_seconds):
                        connection = await self._locked(number_of(name))
                    stack.push_async_callback(_give_back, connection)
                except _LOST as failure:
                    logger.debug("%s is loaded without a lock: %r", name, failure)
                yield
        finally:
            self._free += 1

    async def _locked(self, key: int) -> AsyncConnection:
        pauses = _pauses()
        while True:
            connection = await self._engine.connect()
            try:
                if await connection.scalar(_TRY, {"key": key}):
                    return connection
            except BaseException:
                await connection.close()
                raise
            await connection.close()
            await asyncio.sleep(next(pauses))


async def _give_back(connection: AsyncConnection) -> None:
    """End the transaction, and the connection too where it was lost meanwhile: that is no failure of the load."""
    try:
        await connection.rollback()
    except _LOST:
        await connection.invalidate()
    await connection.close()


def number_of(name: str) -> int:
    """A key's number, of 32 bits: two of one number wait for each other, and nothing else comes of it."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), signed=True)


def _pauses() -> Iterator[float]:
    longest = FIRST_PAUSE_SECONDS
    while True:
        yield longest * random.uniform(0.5, 1)  # noqa: S311  (a pause, not a secret)
        longest = min(2 * longest, LONGEST_PAUSE_SECONDS)
