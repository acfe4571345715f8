"""Waiting for those who were asked to say that they have done it."""

import asyncio
import contextlib


class Acknowledgements:
    """Those of `expected` who have yet to answer."""

    def __init__(self, expected: set[str]) -> None:
        self._missing = expected
        self._complete = asyncio.Event()

    def add(self, who: str) -> None:
        """`who` has answered."""
        self._missing.discard(who)
        if not self._missing:
            self._complete.set()

    async def wait(self, seconds: float) -> None:
        """Return once all have answered, or after `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._complete.wait()
