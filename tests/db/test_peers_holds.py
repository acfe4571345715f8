"""Holds by way of Postgres: whom they concern, how long they last, and whom they wait for."""

import time

import pytest

from mina_api.db.outbox import hold_owner, note
from mina_api.db.peering import PeersUnreachable
from tests.cache.services import until
from tests.db.processes import Peer, a_peer


class TestHold:
    async def test_returns_once_a_peer_without_redis_neither_serves_nor_keeps_what_is_under_its_tags(
        self, writer: Peer, reader: Peer
    ) -> None:
        async with writer.database.read() as session:
            registered = await writer.peers.registered(session)

        await writer.peers.hold("o", ["meeting:1"], registered, with_all=False)
        while_held = dict(reader.served.tags)
        await writer.peers.release("o", is_lifted=True)

        assert registered == {reader.peers.process: "postgres"}
        assert while_held == {"o": frozenset({"meeting:1"})}
        await until(lambda: not reader.served.tags)
        assert not writer.served.tags

    async def test_of_those_without_redis_concerns_no_peer_that_redis_tells(
        self, database_url: str, writer: Peer, reader: Peer
    ) -> None:
        await reader.peers.enter_redis(reader.lift, "a reign")
        async with a_peer(database_url) as without_redis:
            some = {without_redis.peers.process: "postgres"}
            await writer.peers.hold("some", ["meeting:1"], some, with_all=False)  # type: ignore[arg-type]
            async with writer.database.read() as session:
                everybody = await writer.peers.registered(session)
            await writer.peers.hold("all", ["meeting:2"], everybody, with_all=True)

            assert everybody == {reader.peers.process: "redis", without_redis.peers.process: "postgres"}
            assert reader.served.held == {"all"}
            assert without_redis.served.held == {"some", "all"}

    async def test_ends_for_a_peer_with_redis_once_it_has_drained_the_outbox(self, writer: Peer, reader: Peer) -> None:
        await reader.peers.enter_redis(reader.lift, "a reign")
        async with writer.database.write() as session:
            row = await note(session, ["meeting:1"])
            registered = await writer.peers.registered(session)
            await writer.peers.hold(hold_owner(row), ["meeting:1"], registered, with_all=True)
            before = (set(reader.served.held), reader.lifted.copy())

        await writer.peers.release(hold_owner(row), is_lifted=False)

        await until(lambda: not reader.served.tags)
        assert before == ({hold_owner(row)}, [])
        assert reader.lifted == ["meeting:1"]

    async def test_stays_where_the_outbox_cannot_be_drained_and_ends_once_it_can(
        self, database_url: str, writer: Peer
    ) -> None:
        async with a_peer(database_url, lease_seconds=0.3) as reader:
            await reader.peers.enter_redis(reader.lift, "a reign")
            row = await writer.outbox.record(["meeting:1"])
            reader.redis_fails = True
            await writer.peers.hold(hold_owner(row), ["meeting:1"], {reader.peers.process: "redis"}, with_all=True)

            await writer.peers.release(hold_owner(row), is_lifted=False)
            renewed = reader.served.until
            await until(lambda: reader.served.until > renewed)
            still = set(reader.served.held)
            reader.redis_fails = False

            await until(lambda: not reader.served.tags)
            assert (still, reader.lifted) == ({hold_owner(row)}, ["meeting:1"])

    async def test_waits_no_longer_than_the_lease_of_a_peer_that_has_died(self, database_url: str) -> None:
        async with a_peer(database_url, lease_seconds=0.2) as writer:
            began = time.monotonic()

            await writer.peers.hold("o", ["meeting:1"], {"dead": "postgres"}, with_all=True)

            assert time.monotonic() - began >= 0.2

    async def test_cannot_be_placed_where_postgres_does_not_hear_us(self, database_url: str) -> None:
        async with a_peer(database_url) as writer:
            await writer.peers.close()

            with pytest.raises(PeersUnreachable):
                await writer.peers.hold("o", ["meeting:1"], {"other": "redis"}, with_all=True)
