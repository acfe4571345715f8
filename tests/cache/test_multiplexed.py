"""The connection that reads share: replies go to who asked, whoever is cancelled, and whatever ends it."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import hiredis
import pytest
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mina_api.cache.redis_tier.multiplexed import Multiplexed
from mina_api.dev.valkey import PrivateValkey


class Connections:
    """How many were made."""

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool.from_url(url, socket_timeout=None)
        self.made = 0

    def make(self) -> AbstractConnection:
        self.made += 1
        made: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        return made


@pytest.fixture
async def connections(valkey_url: str) -> Connections:
    return Connections(valkey_url)


@pytest.fixture
async def reads(connections: Connections) -> AsyncIterator[Multiplexed]:
    multiplexed = Multiplexed(connections.make, 60)
    yield multiplexed
    await multiplexed.disconnect()


class TestSubmit:
    async def test_gives_each_its_own_reply_over_one_connection(
        self, reads: Multiplexed, connections: Connections
    ) -> None:
        replies = await asyncio.gather(*(reads.submit("ECHO", str(number)) for number in range(1000)))

        assert replies == [str(number).encode() for number in range(1000)]
        assert connections.made == 1

    async def test_an_error_is_one_callers_alone(self, reads: Multiplexed) -> None:
        one, wrong, other = reads.submit("ECHO", "1"), reads.submit("NOSUCH"), reads.submit("ECHO", "2")

        with pytest.raises(ResponseError):
            await wrong
        assert (await one, await other) == (b"1", b"2")

    async def test_a_cancelled_callers_reply_goes_to_nobody_else(self, reads: Multiplexed) -> None:
        await reads.submit("PING")
        cancelled = asyncio.create_task(_await(reads.submit("ECHO", "mine")))
        await asyncio.sleep(0)
        cancelled.cancel()

        assert await reads.submit("ECHO", "yours") == b"yours"
        assert [await reads.submit("ECHO", str(number)) for number in range(10)] == [b"%d" % n for n in range(10)]

    async def test_large_replies_come_whole(self, reads: Multiplexed) -> None:
        await reads.submit("SET", "large", b"x" * 3_000_000)

        large, small = await asyncio.gather(reads.submit("GET", "large"), reads.submit("PING"))

        assert (len(large), small) == (3_000_000, b"PONG")

    async def test_larger_than_any_end_the_connection_before_they_are_there(self, connections: Connections) -> None:
        reads = Multiplexed(connections.make, 60, most_bytes=1_000_000)
        await reads.submit("SETRANGE", "large", 30_000_000, "x")

        large, behind = reads.submit("GET", "large"), reads.submit("PING")

        for each in (large, behind):
            with pytest.raises(RedisConnectionError, match="larger than 1000000 bytes"):
                await each
        assert await reads.submit("PING") == b"PONG"
        assert connections.made == 2
        await reads.disconnect()


def _packed(*commands: tuple[Any, ...]) -> tuple[bytes, int]:
    return b"".join(map(hiredis.pack_command, commands)), len(commands)


class TestSendingSeveral:
    async def test_gives_all_replies_in_their_order_the_errors_among_them(self, reads: Multiplexed) -> None:
        both, other = reads.send(*_packed(("ECHO", "1"), ("NOSUCH",), ("ECHO", "2"))), reads.submit("ECHO", "3")

        one, wrong, two = await both

        assert (one, two, await other) == (b"1", b"2", b"3")
        assert isinstance(wrong, ResponseError)

    async def test_that_nobody_waits_for_any_more_go_to_nobody_else(self, reads: Multiplexed) -> None:
        await reads.submit("PING")
        reads.send(*_packed(("ECHO", "1"), ("ECHO", "2"))).cancel()

        assert await reads.send(*_packed(("ECHO", "3"), ("ECHO", "4"))) == [b"3", b"4"]

    async def test_fails_with_the_connection(self, private_valkey: PrivateValkey) -> None:
        reads = Multiplexed(Connections(private_valkey.url).make, 60)
        await reads.submit("PING")
        private_valkey.pause()
        each = reads.send(*_packed(("PING",), ("PING",)))
        await asyncio.sleep(0)
        private_valkey.kill()

        with pytest.raises((RedisConnectionError, OSError)):
            await each


class TestLosingTheConnection:
    async def test_fails_all_who_wait_and_the_next_connects_anew(self, private_valkey: PrivateValkey) -> None:
        connections = Connections(private_valkey.url)
        reads = Multiplexed(connections.make, 60)
        await reads.submit("PING")
        private_valkey.pause()
        waiting = [reads.submit("PING") for _ in range(3)]
        await asyncio.sleep(0)
        private_valkey.kill()

        ends = await asyncio.gather(*waiting, return_exceptions=True)
        private_valkey.start()
        again = await reads.submit("PING")
        await reads.disconnect()

        assert all(isinstance(end, RedisConnectionError | OSError) for end in ends)
        assert (again, connections.made) == (b"PONG", 2)

    async def test_a_refused_connection_fails_who_asked(self, private_valkey: PrivateValkey) -> None:
        private_valkey.stop()
        reads = Multiplexed(Connections(private_valkey.url).make, 60)

        with pytest.raises((RedisConnectionError, OSError)):
            await reads.submit("PING")

    @pytest.mark.parametrize("is_sent", [True, False])
    async def test_a_busy_loop_is_no_silent_server(self, valkey_url: str, is_sent: bool) -> None:
        connections = Connections(valkey_url)
        reads = Multiplexed(connections.make, 1.0)
        await reads.submit("PING")

        reply = reads.submit("ECHO", "1")
        if is_sent:
            await asyncio.sleep(0)
        time.sleep(1.5)  # noqa: ASYNC251  (what a turn with a thousand requests does)

        assert await reply == b"1"
        assert connections.made == 1
        await reads.disconnect()

    async def test_a_silent_server_fails_all_in_time(self, private_valkey: PrivateValkey) -> None:
        reads = Multiplexed(Connections(private_valkey.url).make, 0.2)
        await reads.submit("PING")
        private_valkey.pause()

        ends = await asyncio.gather(*(reads.submit("PING") for _ in range(3)), return_exceptions=True)
        private_valkey.resume()
        again = await reads.submit("PING")
        await reads.disconnect()

        assert [type(end) for end in ends] == [RedisTimeoutError] * 3
        assert again == b"PONG"


async def _await(reply: "asyncio.Future[bytes]") -> bytes:
    return await reply
