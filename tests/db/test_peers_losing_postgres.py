"""Peers whose Postgres is lost, for a moment or for good."""

import math
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.cache.services import until
from tests.db.gate import Gate
from tests.db.processes import Peer, a_peer


@pytest.fixture
async def postgres_gate(database_url: str) -> AsyncIterator[Gate]:
    place = database_url.rpartition("@")[2].split("/")[0]
    host, _, port = place.rpartition(":")
    gate = Gate(host, int(port))
    await gate.open()
    yield gate
    await gate.close()


class TestLosingPostgres:
    async def test_a_peer_comes_back_by_itself(self, database_url: str, reader: Peer, writer: Peer) -> None:
        await reader.peers.enter_redis(reader.lift, "a reign")
        starts = reader.served.starts

        await cut(database_url)

        await until(lambda: reader.served.starts > starts and reader.served.serves)
        assert await writer.registered() == {reader.peers.process}

    async def test_what_was_noted_meanwhile_is_drained_before_anything_is_served_again(
        self, database_url: str, reader: Peer, writer: Peer
    ) -> None:
        await reader.peers.enter_redis(reader.lift, "a reign")
        await writer.outbox.record(["meeting:1"])
        starts = reader.served.starts

        await cut(database_url)

        await until(lambda: reader.served.starts > starts and reader.served.serves)
        assert reader.lifted == ["meeting:1"]

    @pytest.mark.parametrize("serves", [True, False])
    async def test_for_good_serves_what_redis_vouches_for_as_it_is_told_to(
        self, database_url: str, postgres_gate: Gate, serves: bool
    ) -> None:
        url = postgres_gate.url_of(database_url)
        async with a_peer(url, lease_seconds=0.3, serves_without_postgres=serves) as peer:
            await peer.peers.enter_redis(peer.lift, "a reign")

            await postgres_gate.close()

            await until(lambda: peer.served.until == math.inf if serves else not peer.served.serves)
            await postgres_gate.open()
            await until(lambda: peer.served.serves and peer.served.until < math.inf)


async def cut(url: str) -> None:
    """End every listening connection."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'mina listener' AND datname = current_database()"
        )
    finally:
        await connection.close()
