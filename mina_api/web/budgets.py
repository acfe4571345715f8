"""What users, keys and addresses may still ask for: decided by what this worker knows, told to Redis in batches.

No request waits for Redis. A worker decides by Redis' last reply and by what it has counted itself since; a task in
the background tells Redis the counts of whoever was active, and learns what is left over all workers. So a quota is
exact over all workers but for what arrives between two tellings: at most a hundredth of it or what a second brings,
whichever is less, in each worker. Without Redis each worker counts alone.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator

from mina_api.background import Background
from mina_api.web.rate_limits import Quota, RateLimiter, Remaining

TELL_SECONDS = 0.15
# Who has used less than this share since the last telling is told of once in so long.
TOLD_AT_ONCE = 0.01
TOLD_EVERY_SECONDS = 1.0
# Fewer than the connections that there are: who signs in needs one too.
LANES = 4
# Of one worker, about 300 bytes each; who was not seen for the longest is forgotten, Redis has what they used.
MOST_IDENTITIES = 20_000


class Budget:
    """What one identity may still ask for under one quota, as this worker knows it."""

    __slots__ = ("_remaining", "_told_at", "name", "quota", "resets_at", "telling", "untold")

    def __init__(self, quota: Quota, name: str) -> None:
        self.quota = quota
        self.name = name
        self.untold = 0
        self.telling = 0
        self.resets_at = 0.0
        self._remaining = quota.amount
        self._told_at = 0.0

    def left(self, now: float) -> int:
        """How many more requests there may be, by what is known."""
        remaining = self._remaining if now < self._told_at + self.quota.seconds else self.quota.amount
        return max(0, remaining - self.untold - self.telling)

    def seconds_to_reset(self, now: float) -> int:
        """Whole seconds until there is more of it, at least one; the window's length where nothing is known yet."""
        return max(1, math.ceil(self.resets_at - now)) if self._told_at else self.quota.seconds

    def is_due(self, now: float) -> bool:
        """Whether Redis is to be told, or to be asked whether a used-up quota has anything left again."""
        if self.telling:
            return False
        if not self.untold:
            return not self.left(now) and now >= self.resets_at
        is_much = self.untold >= self.quota.amount * TOLD_AT_ONCE
        return is_much or now >= self._told_at + TOLD_EVERY_SECONDS

    def learn(self, remaining: Remaining, now: float) -> None:
        """Take Redis' reply, which has all that was being told."""
        self.telling = 0
        self._remaining, self.resets_at, self._told_at = remaining.amount, remaining.resets_at, now

    def is_settled(self, now: float) -> bool:
        """Whether there is nothing to tell or to ask."""
        return not self.untold and not self.telling and self.left(now) > 0


class Budgets:
    """The budgets of one worker, at most `most` of them; `start` to `close` they are told to the limiter."""

    def __init__(
        self, limiter: RateLimiter, *, most: int = MOST_IDENTITIES, now: Callable[[], float] = time.time
    ) -> None:
        self.limiter = limiter
        self._most = most
        self._now = now
        self._known: OrderedDict[tuple[str, str], Budget] = OrderedDict()
        self._active: dict[tuple[str, str], Budget] = {}
        self._telling = Background("rate limits")

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Budget]:
        return iter(self._known.values())

    def of(self, quota: Quota, name: str) -> Budget:
        """The budget of `name` under `quota`."""
        key = (quota.name, name)
        budget = self._known.get(key)
        if budget is None:
            budget = self._known[key] = Budget(quota, name)
            if len(self._known) > self._most:
                gone, _ = self._known.popitem(last=False)
                self._active.pop(gone, None)
        else:
            self._known.move_to_end(key)
        return budget

    def left(self, budget: Budget) -> int:
        """How many more requests it allows now."""
        return budget.left(self._now())

    def seconds_to_reset(self, budget: Budget) -> int:
        """Whole seconds until it allows more."""
        return budget.seconds_to_reset(self._now())

    def spend(self, budget: Budget) -> None:
        """Count one request."""
        budget.untold += 1
        self._active[budget.quota.name, budget.name] = budget

    def start(self) -> None:
        """Begin to tell."""
        self._telling.start(self._tell_again())

    async def close(self) -> None:
        """Tell what is left to tell, and end."""
        await self._telling.close()
        await self._tell(list(self._active.values()))

    async def tell(self) -> None:
        """Tell what is due once."""
        now = self._now()
        await self._tell([budget for budget in self._active.values() if budget.is_due(now)])
        for key in [key for key, budget in self._active.items() if budget.is_settled(now)]:
            del self._active[key]

    async def _tell_again(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            await self.tell()

    async def _tell(self, due: list[Budget]) -> None:
        await asyncio.gather(*(self._tell_in_turn(due[lane::LANES]) for lane in range(min(LANES, len(due)))))

    async def _tell_in_turn(self, due: list[Budget]) -> None:
        for budget in due:
            budget.telling, budget.untold = budget.telling + budget.untold, 0
            budget.learn(await self.limiter.spend(budget.quota, budget.name, budget.telling), self._now())
