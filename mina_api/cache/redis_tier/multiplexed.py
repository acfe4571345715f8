"""One connection for the reads of many: commands go out together once a turn, replies come back in their order.

A pooled connection serves one caller at a time, and costs several times the work of the read itself. Whoever is
cancelled here leaves only a reply that nobody looks at; a reply that does not come in time ends the connection.

A turn of the event loop may take longer than the time-out: a thousand requests that come at once do that. Then the
reply lies unread, or the command unsent, and it is not the server that was silent: see `_look_at_time`.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mina_api.cache.redis_tier.replies import MOST_BYTES, pieces

Reply = asyncio.Future[Any]

# What is overdue is looked for so often, each time in another turn: in one what is unsent is sent, in the next what has
# come is read, in a third it is given to who asked.
LOOKS = 4
AGAIN_SECONDS = 0.005


class Multiplexed:
    """A connection that `connect` makes where there is none; each command has `timeout_seconds`.

    A reply of more than `most_bytes` ends the connection before it is there.
    """

    def __init__(
        self, connect: Callable[[], AbstractConnection], timeout_seconds: float, most_bytes: int = MOST_BYTES
    ) -> None:
        self._connect = connect
        self._timeout_seconds = timeout_seconds
        self._most_bytes = most_bytes
        self._connection: Any = None
        self._unsent: list[bytes] = []
        # Sent or not, in the order of their replies, and by when each is due; where one is of several commands, how
        # many they are, and what has come of them.
        self._waiting: deque[tuple[Reply, float, int, list[Any]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def submit(self, *command: Any) -> Reply:
        """The future reply to `command`; fails with the server's error or with the connection's."""
        return self.send(hiredis.pack_command(command))

    def send(self, packed: bytes, count: int = 0) -> Reply:
        """The future reply to a command as the server reads it.

        Of a `count` of them, one right after the other, it is the replies to all, the server's errors among them; it
        fails with the connection's. They have one future: to pack each and to wait for each would double a read.
        """
        loop = asyncio.get_running_loop()
        reply: Reply = loop.create_future()
        if not self._unsent:
            loop.call_soon(self._flush)
        self._unsent.append(packed)
        due = loop.time() + self._timeout_seconds
        self._waiting.append((reply, due, count, []))
        if self._timer is None:
            self._timer = loop.call_at(due, self._look_at_time)
        return reply

    async def disconnect(self) -> None:
        """Fail what waits; the next command connects anew."""
        if (task := self._task) is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _flush(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="multiplexed connection")
        elif self._connection is not None and self._unsent:
            unsent, self._unsent = self._unsent, []
            self._connection._writer.write(b"".join(unsent))

    def _look_at_time(self, missed: Reply | None = None, looks: int = 0) -> None:
        """End the connection if its first reply is overdue, and was missed by the looks before this one as well."""
        self._timer = None
        if not self._waiting:
            return
        loop = asyncio.get_running_loop()
        reply, due, _, _ = self._waiting[0]
        if loop.time() < due:
            self._timer = loop.call_at(due, self._look_at_time)
            return
        looks = looks + 1 if reply is missed else 1
        if looks < LOOKS:
            self._timer = loop.call_later(AGAIN_SECONDS, self._look_at_time, reply, looks)
            return
        self._fail(RedisTimeoutError("no reply in time"))
        if self._task is not None:
            self._task.cancel()

    def _fail(self, failure: Exception) -> None:
        self._unsent.clear()
        waiting, self._waiting = self._waiting, deque()
        for reply, *_ in waiting:
            if not reply.done():
                reply.set_exception(failure)
                reply.exception()

    async def _run(self) -> None:
        """Connect, and read until the connection ends; whatever ends it fails what waits."""
        connection: Any = self._connect()
        failure: Exception = RedisConnectionError("the connection has ended")
        try:
            await connection.connect()
            self._connection = connection
            self._flush()
            async for values in pieces(connection, self._most_bytes):
                self._settle(values)
        except (RedisError, OSError, hiredis.ProtocolError) as found:
            failure = found if isinstance(found, RedisError | OSError) else RedisConnectionError(str(found))
        finally:
            self._connection, self._task = None, None
            self._fail(failure)
            with contextlib.suppress(OSError):
                await connection.disconnect(nowait=True)

    def _settle(self, values: list[Any]) -> None:
        """Give each that asked what came for it, one value or as many as it asked for."""
        at = 0
        while at < len(values):
            reply, _, count, found = self._waiting[0]
            value = values[at]
            if count:
                taken = values[at : at + count - len(found)]
                at += len(taken)
                found += taken
                if len(found) < count:
                    return
                value = found
            else:
                at += 1
            self._waiting.popleft()
            if reply.done():
                continue
            if isinstance(value, Exception):
                reply.set_exception(value)
                reply.exception()
            else:
                reply.set_result(value)
