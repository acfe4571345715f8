"""A server's channel: small commands in their order, large values on connections of their own."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import BlockingConnectionPool, ConnectionPool
from redis.asyncio.connection import AbstractConnection

from mina_api.cache.redis_tier.channel import LARGE, Channel
from mina_api.dev.valkey import PrivateValkey


@pytest.fixture
async def channel(private_valkey: PrivateValkey) -> AsyncIterator[Channel]:
    patient = ConnectionPool.from_url(private_valkey.url, socket_timeout=None)

    def connect() -> AbstractConnection:
        made: AbstractConnection = patient.make_connection()  # type: ignore[no-untyped-call]
        return made

    channel = Channel(connect, BlockingConnectionPool.from_url(private_valkey.url, max_connections=4), 60)
    await channel.submit("PING")
    yield channel
    await channel.close()


class TestChannel:
    async def test_has_commands_done_in_their_order(self, channel: Channel) -> None:
        asked = []
        for number in range(500):
            asked += [channel.submit("SET", "k", number), channel.submit("GET", "k")]

        assert (await asyncio.gather(*asked))[1::2] == [str(number).encode() for number in range(500)]

    async def test_is_not_held_up_by_a_large_value(self, channel: Channel) -> None:
        value = b"x" * (LARGE + 1)
        large, small = channel.submit("SET", "large", value), channel.submit("GET", "large")

        # It was sent after the value was given, and is answered from before that came.
        assert await small is None
        await large
        assert await channel.submit("GET", "large") == value

    async def test_writes_a_large_value_whole_though_its_caller_leaves(
        self, channel: Channel, private_valkey: PrivateValkey
    ) -> None:
        values = {f"k{number}": bytes([number]) * (LARGE + 1) for number in range(4)}
        private_valkey.pause()
        callers = [asyncio.ensure_future(channel.submit("SET", name, value)) for name, value in values.items()]
        await asyncio.sleep(0)
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)
        private_valkey.resume()
        await channel.close()

        # Four more of the same four connections: each is whole.
        await asyncio.gather(*(channel.submit("SET", f"again {name}", value) for name, value in values.items()))
        assert await channel.submit("MGET", *values) == list(values.values())

    async def test_sends_commands_that_belong_together_one_after_the_other(self, channel: Channel) -> None:
        value = b"x" * (LARGE + 1)
        inside = channel.submit_next(("MULTI",), ("SET", "k", value), ("GET", "k"), ("EXEC",))

        assert await inside == [b"OK", value]

    async def test_gives_a_large_values_refusal_to_its_caller(self, channel: Channel) -> None:
        with pytest.raises(Exception, match="syntax error"):
            await channel.submit("SET", "k", b"x" * (LARGE + 1), "NOSUCH")
