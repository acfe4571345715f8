"""Who is a peer: what a process waits for before it is one, and when it is one no more."""

import asyncio
import math

import pytest

from mina_api.db.outbox import hold_owner, note
from tests.cache.services import until
from tests.db.processes import Peer, a_peer


class TestEntering:
    async def test_waits_for_the_writers_that_did_not_see_it(self, database_url: str, writer: Peer) -> None:
        async with writer.database.write() as session:
            row = await note(session, ["meeting:1"])
            entering = asyncio.create_task(entered(database_url))
            unknown = not await comes_in(entering)

        reader = await entering

        assert unknown
        assert reader.lifted == ["meeting:1"], f"the row {row} was not drained before anything is served"

    async def test_a_peer_hears_of_holds_that_began_before_it(self, database_url: str) -> None:
        async with a_peer(database_url, lease_seconds=0.2) as short:
            await short.peers.hold("o", ["meeting:1"], {"dead": "postgres"}, with_all=True)

            async with a_peer(database_url) as reader:
                assert reader.served.held == {"o"}

    async def test_acknowledges_holds_while_it_waits_for_their_writers(self, database_url: str, writer: Peer) -> None:
        """Each would wait for the other, else: the one for an acknowledgement, the other for a COMMIT."""
        async with writer.database.write() as session:
            row = await note(session, ["meeting:1"])
            entering = asyncio.create_task(entered(database_url))
            async with asyncio.timeout(60):
                while not (registered := await writer.peers.registered(session)):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)

            async with asyncio.timeout(20):
                await writer.peers.hold(hold_owner(row), ["meeting:1"], registered, with_all=True)
            waits = not entering.done()
        await writer.peers.release(hold_owner(row), is_lifted=False)

        reader = await entering
        assert waits
        assert reader.lifted == ["meeting:1"]

    async def test_where_the_outbox_cannot_be_drained_leaves_it_without_redis(self, reader: Peer) -> None:
        await reader.outbox.record(["meeting:1"])
        reader.redis_fails = True

        with pytest.raises(RuntimeError):
            await reader.peers.enter_redis(reader.lift, "a reign")

        await until(lambda: reader.served.memory_until > 0)

    async def test_a_change_of_who_vouches_empties_the_memory(self, reader: Peer) -> None:
        before = reader.served.starts

        await reader.peers.enter_redis(reader.lift, "a reign")
        with_redis = (reader.served.starts, reader.served.memory_until)
        reader.peers.leave_redis()

        await until(lambda: reader.served.memory_until > 0)
        assert with_redis == (before + 1, -math.inf)
        assert reader.served.starts == before + 2


class TestRegistered:
    async def test_names_nobody_who_has_left(self, database_url: str, writer: Peer) -> None:
        async with a_peer(database_url) as reader:
            present = await writer.registered()

        assert (present, await writer.registered()) == ({reader.peers.process}, set())


async def entered(url: str) -> Peer:
    async with a_peer(url) as peer:
        await peer.peers.enter_redis(peer.lift, "a reign")
        return peer


async def comes_in(entering: "asyncio.Task[Peer]") -> bool:
    """Whether the task ends by itself within a while."""
    done, _ = await asyncio.wait({entering}, timeout=0.3)
    return bool(done)
