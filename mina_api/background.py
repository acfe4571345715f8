"""Work that goes on beside the requests until its owner is closed."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """One piece of work, from `start` to `close`; it minds its own failures."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[None] | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin it."""
        self._task = asyncio.create_task(work, name=self._name)

    async def close(self) -> None:
        """Cancel it, and return once it has ended; nothing where it never began."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
