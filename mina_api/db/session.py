"""Sessions: reading and writing are different types, and a write commits through its hooks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine


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
    """An engine and the two kinds of session over it; owned by the lifespan that made it."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int,
        pool_overflow: int,
        pool_timeout_seconds: float,
        connect_timeout_seconds: float,
        statement_timeout_seconds: float,
    ) -> None:
        milliseconds = str(round(statement_timeout_seconds * 1000))
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_overflow,
            pool_timeout=pool_timeout_seconds,
            pool_pre_ping=True,
            connect_args={
                "timeout": connect_timeout_seconds,
                "server_settings": {
                    "application_name": "mina",
                    "statement_timeout": milliseconds,
                    "idle_in_transaction_session_timeout": milliseconds,
                    "TimeZone": "UTC",
                },
            },
        )
        self._snapshots = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """A session that reads one snapshot, opened by its first query."""
        async with ReadSession(self._snapshots, expire_on_commit=False, autoflush=False) as session:
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
        """Close every connection of the pool."""
        await self.engine.dispose()
