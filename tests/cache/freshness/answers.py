"""An answer that ages: its source, what a read of it gives, and the chances that decide on its refreshes."""

import asyncio

from mina_api.cache.keys import CacheKey, manual_key
from mina_api.cache.outcome import Loaded, Outcome, Served
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.service import CacheService
from mina_api.cache.testing import FakeClock

KEY: CacheKey = manual_key(namespace="mina", prefix="temp", key="freshness")


class Source:
    """A loader whose answer, length and failure a test sets; each load waits for `gate`."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.number = 0
        self.seconds = 0.0
        self.failure: Exception | None = None
        self.status = 200
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()

    async def __call__(self) -> Loaded:
        self.begun.set()
        await self.gate.wait()
        self._clock.advance(self.seconds)
        if self.failure is not None:
            raise self.failure
        self.number += 1
        return Loaded(str(self.number).encode(), self.status)


class Chances:
    """Numbers of [0, 1) to come, the last of them for ever."""

    def __init__(self, *values: float) -> None:
        self.values = list(values)

    def __call__(self) -> float:
        return self.values.pop(0) if len(self.values) > 1 else self.values[0]


async def refreshed(cache: CacheService) -> None:
    """Returns once nothing is loaded in the background."""
    async with asyncio.timeout(10):
        while cache.loads_in_flight:  # noqa: ASYNC110  (it ends by itself, and nothing is told)
            await asyncio.sleep(0.001)


async def load_and_let_grow_stale(cache: CacheService, policy: CachePolicy, source: Source, clock: FakeClock) -> None:
    """The answer is loaded, and ten seconds past its TTL of a hundred."""
    await cache.read(Read(KEY, policy, source))
    clock.advance(110)


def body(served: Served) -> tuple[bytes, Outcome, str | None]:
    assert served.entry is not None
    return served.entry.body, served.outcome, served.detail
