"""Asking for what is asked for most, before anybody does: after a deployment, or once Redis came back empty."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

logger = logging.getLogger(__name__)

Ask = Callable[[str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class WarmProgress:
    """How many of `total` questions were answered or have failed so far."""

    total: int
    answered: int = 0
    failed: int = 0

    @property
    def is_done(self) -> bool:
        """Whether every question was asked."""
        return self.answered + self.failed == self.total


async def warm(
    recipes: Sequence[str], ask: Ask, *, concurrency: int, on_progress: Callable[[WarmProgress], None]
) -> WarmProgress:
    """Ask each of `recipes` in their order, at most `concurrency` at a time; one that fails is logged and counted.

    `on_progress` is told at the beginning and after each. Raises ValueError for a concurrency below one.
    """
    if concurrency < 1:
        raise ValueError(f"at least one at a time, not {concurrency}")
    progress = WarmProgress(len(recipes))
    on_progress(progress)
    waiting: Iterator[str] = iter(recipes)

    async def work() -> None:
        nonlocal progress
        for recipe in waiting:
            try:
                await ask(recipe)
            except Exception:
                logger.exception("warming %s failed", recipe)
                progress = WarmProgress(progress.total, progress.answered, progress.failed + 1)
            else:
                progress = WarmProgress(progress.total, progress.answered + 1, progress.failed)
            on_progress(progress)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(concurrency, len(recipes))):
            tasks.create_task(work())
    return progress
