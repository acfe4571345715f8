"""Wakeups by Redis pub/sub: one connection listens, and one publishes, a whole turn's messages in one round trip."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from mina_api.background import Background
from mina_api.cache.redis_tier.multiplexed import Multiplexed
from mina_api.cache.redis_tier.replies import messages
from mina_api.logs import get_logger
from mina_api.sessions.wakeups.protocol import Heard, WakeupsUnavailable

logger = get_logger(__name__)

PREFIX = "mina:live:"
PAUSE_SECONDS = 0.5


class RedisWakeups:
    """Publishes while its listening connection lives: a PING on that, each second, is a probe.

    Both connections are like those of `pool`, from which none is taken.
    """

    def __init__(self, pool: BlockingConnectionPool, *, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._pool = pool
        self._publishing = Multiplexed(self._connection, timeout_seconds)
        self._channels: set[str] = set()
        self._changed = asyncio.Event()
        self._pong = asyncio.Event()
        self._is_hearing = False
        self._work = Background("live wakeups by redis")

    @property
    def is_hearing(self) -> bool:
        """Whether the connection that listens lives."""
        return self._is_hearing

    async def start(self, listener: Heard) -> None:
        """Listen from soon on."""
        self._work.start(self._run(listener))

    async def close(self) -> None:
        """Close every connection."""
        await self._work.close()
        await self._publishing.disconnect()

    def subscribe(self, channel: str) -> None:
        """Listen on `channel`, once connected."""
        self._channels.add(channel)
        self._changed.set()

    def unsubscribe(self, channel: str) -> None:
        """Listen on it no more."""
        self._channels.discard(channel)
        self._changed.set()

    async def publish(self, channel: str, payload: str) -> None:
        """PUBLISH; raises WakeupsUnavailable where Redis does not take it."""
        if not self._is_hearing:
            raise WakeupsUnavailable("Redis is away")
        try:
            await self._publishing.submit("PUBLISH", PREFIX + channel, payload)
        except (RedisError, OSError) as failure:
            raise WakeupsUnavailable(str(failure)) from failure

    # Listening

    async def _run(self, listener: Heard) -> None:
        while True:
            try:
                async with self._connected() as connection:
                    await self._listen(connection, listener)
            except (RedisError, OSError) as failure:
                if self._is_hearing:
                    logger.warning("wakeups by Redis are lost", cause=str(failure))
            finally:
                self._is_hearing = False
            listener.missed()
            await asyncio.sleep(PAUSE_SECONDS)

    def _connection(self) -> AbstractConnection:
        # With a time-out redis-py sends by wait_for, which on Python 3.11 may swallow a cancellation.
        options = {**self._pool.connection_kwargs, "socket_timeout": None}
        made: AbstractConnection = self._pool.connection_class(**options)
        return made

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[AbstractConnection]:
        connection = self._connection()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await connection.connect()  # type: ignore[no-untyped-call]
            yield connection
        finally:
            await connection.disconnect(nowait=True)

    async def _listen(self, connection: AbstractConnection, listener: Heard) -> None:
        """Listen for as long as the connection lives; raises what ends it."""
        works = (self._read(connection, listener), self._subscribe(connection, listener), self._probe(connection))
        tasks = [asyncio.create_task(each, name="live wakeups by redis, connected") for each in works]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        raise next((each for each in ends if isinstance(each, Exception)), ConnectionError("the connection ended"))

    async def _read(self, connection: AbstractConnection, listener: Heard) -> None:
        async for message in messages(connection):
            self._take(message, listener)

    def _take(self, reply: Any, listener: Heard) -> None:
        # Without a channel a PONG is as of any connection (RESP2).
        kind, *rest = [b"pong"] if reply == b"PONG" else reply
        if kind == b"pong":
            self._pong.set()
        elif kind == b"message":
            listener.heard(rest[0].decode().removeprefix(PREFIX), rest[1].decode(errors="replace"))

    async def _subscribe(self, connection: AbstractConnection, listener: Heard) -> None:
        """Keep what Redis sends us in step with what is wanted; once it first is, ask for what was missed."""
        subscribed: set[str] = set()
        while True:
            self._changed.clear()
            for command, channels in (
                ("SUBSCRIBE", self._channels - subscribed),
                ("UNSUBSCRIBE", subscribed - self._channels),
            ):
                if channels:
                    await connection.send_command(command, *(PREFIX + each for each in channels))
            subscribed = set(self._channels)
            if not self._is_hearing:
                await self._ping(connection)
                self._is_hearing = True
                listener.missed()
            await self._changed.wait()

    async def _probe(self, connection: AbstractConnection) -> None:
        while True:
            await asyncio.sleep(1)
            if self._is_hearing:
                await self._ping(connection)

    async def _ping(self, connection: AbstractConnection) -> None:
        """Wait for an answer, which comes after all that was asked for or published before."""
        self._pong.clear()
        await connection.send_command("PING")
        async with asyncio.timeout(self._timeout_seconds):
            await self._pong.wait()
