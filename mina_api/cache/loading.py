"""A limit on loads at once, so that a cold cache does not crush the database."""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator

_inside: contextvars.ContextVar[bool] = contextvars.ContextVar("inside_a_load", default=False)


class LoadSlots:
    """At most `limit` loads at once; a load within a load takes no slot of its own, or both could wait forever."""

    def __init__(self, limit: int) -> None:
        self._slots = asyncio.Semaphore(limit)

    @contextlib.asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """A slot for the length of the block."""
        if _inside.get():
            yield
            return
        async with self._slots:
            token = _inside.set(True)
            try:
                yield
            finally:
                _inside.reset(token)
