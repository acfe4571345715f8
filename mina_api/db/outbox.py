"""The invalidation outbox: tags to invalidate, written in the transaction of the write itself.

A row is deleted once its tags have new tokens in Redis; while Redis is away, rows wait (DESIGN section 3).
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from sqlalchemy import ARRAY, Text, bindparam, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from mina_api.background import Background
from mina_api.db.base import Base, BigId, CreatedAt
from mina_api.db.epochs import AnotherServer, epoch_in_force
from mina_api.db.session import Database

logger = logging.getLogger(__name__)

Lift = Callable[[Sequence[str], Sequence[str]], Awaitable[None]]

BATCH = 500
# Tokens live for a week: what was kept under a tag before is gone by itself by then.
MOOT = timedelta(days=8)
TIDY_SECONDS = 3600.0
# The advisory lock that writers share from the note of their tags to their COMMIT: who takes it alone waits for them.
WRITERS = 0x6D696E61

_NOTE = text(
    "WITH writers AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(:writers))"
    " INSERT INTO invalidation_outbox (tags) SELECT :tags FROM writers RETURNING id"
).bindparams(bindparam("tags", type_=ARRAY(Text)), writers=WRITERS)


class OutboxRow(Base):
    """Tags that one committed write invalidates and that Redis has not yet been told of."""

    __tablename__ = "invalidation_outbox"

    id: Mapped[BigId]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[CreatedAt]


async def note(session: AsyncSession, tags: Sequence[str]) -> int:
    """Add a row in the caller's transaction, its last step but what leads to the COMMIT; the row's id."""
    row_id: int = (await session.execute(_NOTE, {"tags": list(tags)})).scalar_one()
    return row_id


def hold_owner(row_id: int) -> str:
    """The name under which the write of a row holds its tags, so that whoever drains it can lift them."""
    return f"outbox:{row_id}"


class Outbox:
    """The table, as those who invalidate use it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._done: list[int] = []

    async def record(self, tags: Sequence[str]) -> int:
        """Note `tags` in a transaction of its own; the row's id."""
        async with self._database.write() as session:
            return await note(session, tags)

    def done(self, row_id: int) -> None:
        """The row's tags are invalidated; it is deleted with others soon."""
        self._done.append(row_id)

    async def sweep(self) -> None:
        """Delete the rows that are done; those of a failed sweep wait for the next one."""
        done, self._done = self._done, []
        if not done:
            return
        try:
            async with self._database.write() as session:
                await session.execute(delete(OutboxRow).where(OutboxRow.id.in_(done)))
        except BaseException:
            self._done += done
            raise

    async def tidy(self) -> int:
        """Delete the rows that no entry can depend on any more, which gather where there is no Redis; how many."""
        async with self._database.write() as session:
            gone = await session.execute(delete(OutboxRow).where(OutboxRow.created_at < func.now() - MOOT))
        return int(gone.rowcount)  # type: ignore[attr-defined]

    async def drain(
        self, lift: Lift, *, older_than_seconds: float = 0.0, wait: bool = True, epoch: str | None = None
    ) -> int:
        """Lift the tags of every row and delete it; how many rows. Raises what `lift` raises, and the row stays.

        With `wait` it also waits for rows that another process is draining; without, it leaves those to it. `epoch`
        is the one that `lift` lifts in: raises AnotherServer if it is not in force, for then nobody reads there.
        """
        total = 0
        while True:
            async with self._database.write() as session:
                rows = (
                    await session.execute(
                        select(OutboxRow.id, OutboxRow.tags)
                        .where(
                            OutboxRow.created_at
                            <= func.now() - func.make_interval(0, 0, 0, 0, 0, 0, older_than_seconds)
                        )
                        .order_by(OutboxRow.id)
                        .limit(BATCH)
                        .with_for_update(skip_locked=not wait)
                    )
                ).all()
                if rows:
                    # In force now, after their COMMITs: what is loaded in a later epoch sees them without being told.
                    if epoch is not None and await epoch_in_force(session) != epoch:
                        raise AnotherServer("peers keep answers in another server of Redis")
                    tags = sorted({tag for row in rows for tag in row.tags})
                    await lift(tags, [hold_owner(row.id) for row in rows])
                    await session.execute(delete(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows])))
            total += len(rows)
            if len(rows) < BATCH:
                return total


def _none() -> None:
    return None


class OutboxRelay:
    """The task that sweeps what is done and drains what its writer left behind, in the epoch that `epoch` gives."""

    def __init__(
        self, outbox: Outbox, lift: Lift, *, epoch: Callable[[], str | None] = _none, poll_seconds: float = 1.0
    ) -> None:
        self._outbox = outbox
        self._lift = lift
        self._epoch = epoch
        self._poll_seconds = poll_seconds
        self._work = Background("outbox relay")

    def start(self) -> None:
        """Begin to poll."""
        self._work.start(self._run())

    async def close(self) -> None:
        """Stop polling, and sweep once more."""
        await self._work.close()
        with contextlib.suppress(Exception):
            await self._outbox.sweep()

    async def _run(self) -> None:
        failing, tidied = False, -math.inf
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self._outbox.sweep()
                if (now := asyncio.get_running_loop().time()) - tidied >= TIDY_SECONDS:
                    await self._outbox.tidy()
                    tidied = now
                await self._outbox.drain(
                    self._lift, older_than_seconds=self._poll_seconds, wait=False, epoch=self._epoch()
                )
                failing = False
            except Exception as failure:
                if not failing:
                    logger.warning("the outbox waits: %s", failure)
                failing = True
