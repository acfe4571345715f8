"""One round trip for all the commands that one turn of the event loop asks for.

A caller that is cancelled abandons its reply, never a connection with a command half done on it.
"""

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

Reply = asyncio.Future[Any]


class TurnPipeline:
    """Collects commands until the event loop's next turn, then sends them together."""

    def __init__(self, client: Redis, timeout_seconds: float) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._batch: list[tuple[tuple[Any, ...], Reply]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, *command: Any) -> Reply:
        """The future reply to `command`; it fails with the server's error or with the connection's."""
        loop = asyncio.get_running_loop()
        reply: Reply = loop.create_future()
        if not self._batch:
            loop.call_soon(self._flush)
        self._batch.append((command, reply))
        return reply

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        task = asyncio.create_task(self._send(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, batch: list[tuple[tuple[Any, ...], Reply]]) -> None:
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._client.pipeline(transaction=False) as pipe,
            ):
                for command, _ in batch:
                    pipe.execute_command(*command)
                replies = await pipe.execute(raise_on_error=False)
        except BaseException as failure:
            lost = failure if isinstance(failure, RedisError | OSError) else ConnectionError("the batch was lost")
            for _, reply in batch:
                if not reply.done():
                    reply.set_exception(lost)
                    reply.exception()
            if not isinstance(failure, Exception):
                raise
            return
        for (_, reply), value in zip(batch, replies, strict=True):
            if reply.done():
                continue
            if isinstance(value, Exception):
                reply.set_exception(value)
                reply.exception()
            else:
                reply.set_result(value)

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks)
