"""The commands of one server: in their order on one connection, large values apart from them.

Order is worth more than its round trips: who asks for a lease and then for its entry sees what the last owner of that
lease stored, and no read of this process overtakes a step of its own writes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import hiredis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection

from mina_api.cache.redis_tier.multiplexed import Multiplexed
from mina_api.cache.redis_tier.replies import MOST_BYTES

# In bytes: what is larger would keep others waiting while it is sent.
LARGE = 64 * 1024


class Channel:
    """One server's: `connect` makes the connection that all share, `pool` has those for large values.

    No reply on that connection has more than `most_bytes`.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractConnection],
        pool: BlockingConnectionPool,
        timeout_seconds: float,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._ordered = Multiplexed(connect, timeout_seconds, most_bytes)
        # What is asked for so is small, but its replies may be large.
        self.send = self._ordered.send
        self._pool = pool
        self._client = Redis(connection_pool=pool)
        self._apart: set[asyncio.Task[Any]] = set()

    def submit(self, *command: Any) -> Awaitable[Any]:
        """The future reply to `command`; fails with the server's error or with the connection's."""
        packed = hiredis.pack_command(command)
        if len(packed) > LARGE and _is_large(command):
            # In a task of its own: who is cancelled abandons a reply, never a connection with a command half done.
            task = asyncio.create_task(self._alone(command))
            self._apart.add(task)
            task.add_done_callback(self._done)
            return asyncio.shield(task)
        return self._ordered.send(packed)

    def submit_next(self, *commands: tuple[Any, ...]) -> Awaitable[Any]:
        """The future reply to the last of `commands`, which go out one right after the other, however large."""
        return [self._ordered.submit(*command) for command in commands][-1]

    async def disconnect(self) -> None:
        """Fail what waits, and close every connection; the next command opens one anew."""
        await self._ordered.disconnect()
        await self._pool.disconnect()

    async def close(self) -> None:
        """Wait for the large values that are under way, and close every connection."""
        if self._apart:
            await asyncio.wait(self._apart)
        await self.disconnect()
        await self._client.aclose()

    async def _alone(self, command: tuple[Any, ...]) -> Any:
        return await self._client.execute_command(*command)  # type: ignore[no-untyped-call]

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._apart.discard(task)
        if not task.cancelled():
            task.exception()


def _is_large(command: tuple[Any, ...]) -> bool:
    """Whether one value in it is: many small ones, such as the names of tags, keep their place in the order."""
    return any(type(part) is bytes and len(part) > LARGE for part in command)
