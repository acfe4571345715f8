"""A read replica, used for a read only once it has everything that was acknowledged before the read began.

The rule, whole: ask the primary how far its log is durable, then wait until the replica has replayed as much, for a
moment at most; else read from the primary. Every COMMIT that was acknowledged before is in the log up to there, be it
of this process or of another, cached or not: what is read from the replica is what the primary would have given at
the moment that it was asked. So a load that fills the cache asks after it has read its tags' tokens, as it opens its
snapshot after that, and whoever has written reads their own write. It costs a round trip to each of them: reads that
aggregate are worth it.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

logger = logging.getLogger(__name__)

# A COMMIT that waits for nothing is acknowledged before it is durable: then what counts is what was written at all.
ACKNOWLEDGED = text("""
    SELECT CASE current_setting('synchronous_commit')
        WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn()
    END::text
""")
# NULL, as of a server that has been promoted, is no.
REPLAYED = text("SELECT coalesce(pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= (:position)::text::pg_lsn, false)")
LOST = (OSError, TimeoutError, SQLAlchemyError)
LOOK_AGAIN_SECONDS = 0.002


class Replica:
    """A replica of `primary`; after it was lost it is left alone for `away_seconds`."""

    def __init__(
        self,
        engine: AsyncEngine,
        primary: AsyncEngine,
        *,
        wait_seconds: float,
        timeout_seconds: float,
        away_seconds: float = 5.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self._primary = primary
        self._wait_seconds = wait_seconds
        self._timeout_seconds = timeout_seconds
        self._away_seconds = away_seconds
        self._now = now
        self._away_until = -1.0
        self._snapshots = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @asynccontextmanager
    async def current(self) -> AsyncIterator[AsyncConnection | None]:
        """A connection that has not begun and whose snapshot will have all that is acknowledged now; None without."""
        connection = await self._connect() if self._now() >= self._away_until else None
        try:
            yield connection
        finally:
            if connection is not None:
                await connection.close()

    async def _connect(self) -> AsyncConnection | None:
        connection: AsyncConnection | None = None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                async with self._primary.connect() as primary:
                    position = (await primary.execute(ACKNOWLEDGED)).scalar_one()
                connection = await self._snapshots.connect()
                is_current = await self._catches_up(connection, position)
        except LOST as failure:
            logger.warning("the replica is left alone for %.0f s: %s", self._away_seconds, failure)
            self._away_until = self._now() + self._away_seconds
            is_current = False
        except BaseException:
            if connection is not None:
                await connection.close()
            raise
        if is_current or connection is None:
            return connection
        await connection.close()
        return None

    async def _catches_up(self, connection: AsyncConnection, position: str) -> bool:
        """Asked in transactions of their own: one that had its snapshot already would not see what is replayed."""
        deadline = self._now() + self._wait_seconds
        while True:
            has_it: bool = (await connection.execute(REPLAYED, {"position": position})).scalar_one()
            await connection.rollback()
            if has_it or self._now() >= deadline:
                return has_it
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
