"""What is asked for most, kept so that a later process can ask for it before anybody does."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Callable
from functools import partial

from mina_api.cache.clock import Clock
from mina_api.cache.tier import Tier, TierUnavailable

KEPT = 1000
DAY_SECONDS = 86_400


class Usage:
    """Counts of one process's questions; what is counted is how to ask again, a text that only its writer reads.

    At most twice `KEPT` are counted at once: beyond that the rarer half is forgotten, so that what is asked for
    often stays (Manku and Motwani: Approximate frequency counts over data streams, VLDB 2002).
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._recipes: dict[str, Callable[[], str]] = {}

    def count(self, key: str, recipe: Callable[[], str], times: int = 1) -> None:
        """The question of `key` was asked; `recipe` is called once the counts are taken."""
        if (count := self._counts.get(key)) is not None:
            self._counts[key] = count + times
            return
        self._counts[key] = times
        self._recipes[key] = recipe
        if len(self._counts) > 2 * KEPT:
            self._forget_the_rarer_half()

    def _forget_the_rarer_half(self) -> None:
        # By the count of the last that is kept: to sort the keys themselves would be felt in every miss.
        least = sorted(self._counts.values(), reverse=True)[KEPT - 1]
        kept = {key: count for key, count in self._counts.items() if count > least}
        as_rare = (key for key, count in self._counts.items() if count == least)
        kept.update(dict.fromkeys(itertools.islice(as_rare, KEPT - len(kept)), least))
        self._counts, self._recipes = kept, {key: self._recipes[key] for key in kept}

    def take(self) -> dict[str, int]:
        """The counts by recipe since the last call."""
        taken: Counter[str] = Counter()
        for key, count in self._counts.items():
            taken[self._recipes[key]()] += count
        self._counts, self._recipes = {}, {}
        return taken

    def put_back(self, counts: dict[str, int]) -> None:
        """Count again what could not be told; under its recipe, since its key is not known any more."""
        for recipe, count in counts.items():
            self._counts[recipe] = self._counts.get(recipe, 0) + count
            self._recipes[recipe] = partial(str, recipe)


class UsageRecorder:
    """Tells the tier every so often, by the day (UTC), what was asked for; what it cannot tell now it tells later."""

    def __init__(
        self, usage: Usage, tier: Tier, clock: Clock, every_seconds: float, before: Callable[[], None]
    ) -> None:
        self._usage = usage
        self._before = before
        self._tier = tier
        self._clock = clock
        self._every_seconds = every_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell."""
        self._task = asyncio.create_task(self._run(), name="usage recorder")

    async def close(self) -> None:
        """Tell once more, and end."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.record()

    async def record(self) -> None:
        """Tell now, after `before`, which counts what was not counted yet."""
        self._before()
        if not (counts := self._usage.take()):
            return
        try:
            await self._tier.record_uses(self._day(0), counts, KEPT)
        except TierUnavailable:
            self._usage.put_back(counts)

    async def most_used(self, limit: int) -> list[str]:
        """The recipes of what all processes were asked for today and yesterday, the most used first."""
        total: Counter[str] = Counter()
        for days_ago in (0, 1):
            for recipe, count in (await self._tier.most_used(self._day(days_ago), KEPT)).items():
                total[recipe] += count
        return [recipe for recipe, _ in total.most_common(limit)]

    def _day(self, days_ago: int) -> int:
        return int(self._clock.now() // DAY_SECONDS) - days_ago

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            await self.record()
