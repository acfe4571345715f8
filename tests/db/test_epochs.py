"""Which server of Redis answers are kept in: peers agree on one at a time."""

from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import select, text

from mina_api.db.epochs import AnotherServer
from mina_api.db.outbox import Outbox, OutboxRow
from mina_api.db.session import Database
from tests.cache.services import until
from tests.db.processes import Peer, a_peer

# As if every lease had run out, and others had put their server in force since.
OVER = text("""
    WITH expired AS (UPDATE cache_processes SET until = clock_timestamp() - interval '1 hour')
    UPDATE cache_epoch SET reign = 'b', epoch = 'another'
""")


@pytest.fixture
async def one(database_url: str) -> AsyncIterator[Peer]:
    async with a_peer(database_url) as peer:
        yield peer


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Peer]:
    async with a_peer(database_url) as peer:
        yield peer


async def enter(peer: Peer, reign: str) -> str:
    return await peer.peers.enter_redis(peer.lift, reign)


async def epoch_seen_by(peer: Peer) -> str | None:
    async with peer.database.read() as session:
        found = (await peer.peers.registered(session)).epoch
    return found.decode() if found is not None else None


class TestEpoch:
    async def test_is_none_before_anybody_uses_redis(self, one: Peer) -> None:
        assert await epoch_seen_by(one) is None

    async def test_is_shared_by_all_who_use_one_server(self, one: Peer, other: Peer) -> None:
        epochs = {await enter(one, "a"), await enter(other, "a"), await epoch_seen_by(one)}

        assert len(epochs) == 1

    async def test_outlives_those_who_use_it(self, one: Peer, other: Peer) -> None:
        """A deployment that stops every worker before it starts the next ones keeps what is in Redis."""
        before = await enter(one, "a")
        await one.peers.close()

        assert await enter(other, "a") == before

    async def test_of_another_server_waits_until_nobody_is_left_in_the_one_before(self, one: Peer, other: Peer) -> None:
        before = await enter(one, "a")

        with pytest.raises(AnotherServer):
            await enter(other, "b")
        one.peers.leave_redis()
        await until(lambda: one.served.memory_until > 0)

        assert await enter(other, "b") not in (before, None)

    async def test_never_comes_back(self, one: Peer) -> None:
        """The first server again has what it had: valid in its first epoch alone."""
        epochs = [await enter(one, reign) for reign in ("a", "b", "a")]

        assert len(set(epochs)) == 3

    async def test_in_doubt_has_those_who_are_in_it_look_again(self, one: Peer, other: Peer) -> None:
        looked: list[str] = []
        one.peers.use(look_again=lambda: looked.append("again"), lose=lambda: None)
        await enter(one, "a")

        with pytest.raises(AnotherServer):
            await enter(other, "b")

        await until(lambda: bool(looked))

    async def test_that_is_over_is_given_up_by_who_missed_it(self, database_url: str, other: Peer) -> None:
        """A process that was stopped for longer than its lease finds another epoch in force."""
        lost: list[str] = []
        async with a_peer(database_url, lease_seconds=0.2) as stopped:
            await enter(stopped, "a")
            stopped.peers.use(look_again=lambda: None, lose=lambda: lost.append("Redis"))
            async with other.database.write() as session:
                await session.execute(OVER)
            await until(lambda: bool(lost))
            assert not stopped.served.serves

    async def test_that_is_not_in_force_drains_nothing(self, one: Peer, database: Database) -> None:
        """What a server that nobody reads was told is no reason to forget that the one in force was not."""
        outbox = Outbox(database)
        await enter(one, "a")
        await outbox.record(["meeting:1"])
        lifted: list[str] = []

        async def lift(tags: Sequence[str], _: Sequence[str]) -> None:
            lifted.extend(tags)

        with pytest.raises(AnotherServer):
            await outbox.drain(lift, epoch="of another server")
        async with database.read() as session:
            left = (await session.execute(select(OutboxRow.tags))).scalars().all()
        await outbox.drain(lift, epoch=await epoch_seen_by(one))

        assert (left, lifted) == ([["meeting:1"]], ["meeting:1"])
