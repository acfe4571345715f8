"""Loads in the background: what they replace is served meanwhile, and nobody waits for them."""

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable

from mina_api.cache.keys import CacheKey
from mina_api.cache.stats import Counters

logger = logging.getLogger(__name__)


class Refresher:
    """The background loads of one process: one for each key at a time."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._running: dict[str, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def start(self, key: CacheKey, refresh: Callable[[], Awaitable[None]]) -> None:
        """Run `refresh`, unless one of `key` is running; its failure is logged and counted."""
        if key.canonical in self._running:
            return

        async def run() -> None:
            try:
                await refresh()
            except Exception:
                self._counters.errors += 1
                logger.exception("the background load of %s failed", key)

        # A context of its own: it belongs to no request, and to no load that it may have been asked for in.
        task = asyncio.create_task(run(), name=f"refresh {key}", context=contextvars.Context())
        self._running[key.canonical] = task
        task.add_done_callback(lambda _: self._running.pop(key.canonical, None))

    async def close(self) -> None:
        """End what runs."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
