"""Sessions: reading and writing are different types, and a write commits through its hooks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from mina_api.db.engines import PoolOptions, make_engine
from mina_api.db.replica import Replica


class ReadSession(AsyncSession):
    """A session over one read-only snapshot (REPEATABLE READ): every query of it sees the same data."""


class WriteSession(ReadSession):
    """A session in one READ COMMITTED transaction that ends in commit or in nothing."""


class CommitHooks(Protocol):
    """What has to happen around a COMMIT, in this order."""

    async def before_commit(self, session: WriteSession) -> None:
        """Run in the transaction, after the flush; an exception rolls it back."""

    async def after_commit(self) -> None:
        """Run once the COMMIT is acknowledged, before the caller learns of it."""


class Database:
    """Engines and the two kinds of session over them; owned by the lifespan that made it."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int,
        pool_overflow: int,
        pool_timeout_seconds: float,
        connect_timeout_seconds: float,
        statement_timeout_seconds: float,
        pools_transactions: bool = False,
        replica_url: str | None = None,
        replica_wait_seconds: float = 0.05,
    ) -> None:
        options = PoolOptions(
            pool_size, pool_overflow, pool_timeout_seconds, connect_timeout_seconds, statement_timeout_seconds
        )
        self.engine = make_engine(url, options, pools_transactions=pools_transactions)
        self._snapshots = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._replica = (
            Replica(
                make_engine(replica_url, options),
                self.engine,
                wait_seconds=replica_wait_seconds,
                timeout_seconds=min(connect_timeout_seconds, 1.0) + replica_wait_seconds,
            )
            if replica_url is not None
            else None
        )

    @property
    def engines(self) -> tuple[AsyncEngine, ...]:
        """The primary's, and the replica's if there is one."""
        return (self.engine,) if self._replica is None else (self.engine, self._replica.engine)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """A session that reads one snapshot, opened by its first query."""
        async with ReadSession(self._snapshots, expire_on_commit=False, autoflush=False) as session:
            yield session

    @asynccontextmanager
    async def read_at_leisure(self) -> AsyncIterator[ReadSession]:
        """As `read`, of the replica where there is one that has what the primary has: for reads that aggregate."""
        if self._replica is None:
            async with self.read() as session:
                yield session
            return
        async with self._replica.current() as connection:
            bind = self._snapshots if connection is None else connection
            async with ReadSession(bind, expire_on_commit=False, autoflush=False) as session:
                yield session

    @asynccontextmanager
    async def write(self, hooks: CommitHooks | None = None) -> AsyncIterator[WriteSession]:
        """A unit of work: flushed, committed through `hooks` when the block ends, rolled back if it raises."""
        async with WriteSession(self.engine, expire_on_commit=False) as session:
            yield session
            await session.flush()
            if hooks is not None:
                await hooks.before_commit(session)
            await session.commit()
        if hooks is not None:
            await hooks.after_commit()

    async def close(self) -> None:
        """Close every connection of the pools."""
        for engine in self.engines:
            await engine.dispose()
