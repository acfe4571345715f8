"""Waiting for what other processes do, with a deadline that no busy machine reaches."""

import asyncio
from collections.abc import Awaitable, Callable

DEADLINE_SECONDS = 60


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Returns once `condition` holds; raises AssertionError after the deadline."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await condition():  # noqa: ASYNC110  (what it waits for is another process)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_SECONDS} s: {what}") from None


async def until_said(ask: Callable[[], bool], what: str) -> None:
    """The same for a condition that blocks."""

    async def asked() -> bool:
        return await asyncio.to_thread(ask)

    await until(asked, what)
