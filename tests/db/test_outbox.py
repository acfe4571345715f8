import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select, text

from mina_api.db.outbox import BATCH, Outbox, OutboxRelay, OutboxRow, note
from mina_api.db.session import Database


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


class Lifted:
    """A lift that remembers, and fails while told to."""

    def __init__(self) -> None:
        self.tags: list[str] = []
        self.owners: list[str] = []
        self.failing = False
        self.called = asyncio.Event()

    async def __call__(self, tags: Sequence[str], owners: Sequence[str]) -> None:
        if self.failing:
            raise ConnectionError("Redis is away")
        self.tags += tags
        self.owners += owners
        self.called.set()


async def rows(database: Database) -> int:
    async with database.read() as session:
        return (await session.execute(select(func.count()).select_from(OutboxRow))).scalar_one()


class TestNote:
    async def test_is_gone_with_a_transaction_that_fails(self, database: Database) -> None:
        with pytest.raises(LookupError):
            async with database.write() as session:
                await note(session, ["meeting:1"])
                raise LookupError

        assert await rows(database) == 0


class TestDrain:
    async def test_lifts_every_tag_once_and_deletes_the_rows(self, outbox: Outbox, database: Database) -> None:
        for number in range(BATCH + 3):
            await outbox.record([f"meeting:{number % 7}", "user:1"])
        lifted = Lifted()

        drained = await outbox.drain(lifted)

        assert drained == len(set(lifted.owners)) == BATCH + 3
        assert set(lifted.tags) == {"user:1", *(f"meeting:{number}" for number in range(7))}
        assert await rows(database) == 0

    async def test_keeps_the_rows_of_a_failed_lift(self, outbox: Outbox, database: Database) -> None:
        await outbox.record(["meeting:1"])
        lifted = Lifted()
        lifted.failing = True

        with pytest.raises(ConnectionError):
            await outbox.drain(lifted)

        assert await rows(database) == 1

    async def test_leaves_young_rows_to_their_writers(self, outbox: Outbox, database: Database) -> None:
        await outbox.record(["meeting:1"])

        assert await outbox.drain(Lifted(), older_than_seconds=60) == 0
        assert await rows(database) == 1

    async def test_waits_for_another_process_that_is_draining(self, outbox: Outbox, database: Database) -> None:
        await outbox.record(["meeting:1"])
        entered, leave, lifted = asyncio.Event(), asyncio.Event(), Lifted()

        async def slow(_: Sequence[str], __: Sequence[str]) -> None:
            entered.set()
            await leave.wait()

        first = asyncio.create_task(outbox.drain(slow))
        await entered.wait()
        second = asyncio.create_task(outbox.drain(lifted))
        skipped = await outbox.drain(lifted, wait=False)
        unfinished = not second.done()
        leave.set()

        assert (await first, await second, skipped, unfinished) == (1, 0, 0, True)


class TestSweep:
    async def test_deletes_what_is_done_and_nothing_else(self, outbox: Outbox, database: Database) -> None:
        async with database.write() as session:
            done = await note(session, ["meeting:1"])
        await outbox.record(["meeting:2"])

        outbox.done(done)
        await outbox.sweep()

        assert await rows(database) == 1


class TestTidy:
    async def test_deletes_what_is_older_than_any_token(self, outbox: Outbox, database: Database) -> None:
        await outbox.record(["meeting:1"])
        await outbox.record(["meeting:2"])
        async with database.write() as session:
            await session.execute(
                text("UPDATE invalidation_outbox SET created_at = now() - interval '9 days' WHERE tags = '{meeting:1}'")
            )

        assert await outbox.tidy() == 1
        assert await rows(database) == 1


class TestOutboxRelay:
    async def test_drains_what_a_writer_left_behind(self, outbox: Outbox, database: Database) -> None:
        await outbox.record(["meeting:1"])
        lifted = Lifted()
        relay = OutboxRelay(outbox, lifted, poll_seconds=0.01)

        relay.start()
        await lifted.called.wait()
        await relay.close()

        assert lifted.tags == ["meeting:1"]
