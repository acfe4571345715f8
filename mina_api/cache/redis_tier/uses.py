"""What is asked for most, by the day, in a sorted set of Redis's."""

import asyncio
import math
from collections.abc import Mapping

from redis.exceptions import InvalidResponse

from mina_api.cache.redis_tier import scripts
from mina_api.cache.redis_tier.commands import pairs
from mina_api.cache.redis_tier.keys import Names
from mina_api.cache.redis_tier.link import Link

# A longer one is not asked for again.
MOST_RECIPE_BYTES = 16 * 1024
KEPT_SECONDS = 172_800


class Uses:
    """The counts of uses on the server that a link goes to; every method raises TierUnavailable."""

    def __init__(self, link: Link, names: Names) -> None:
        self._link = link
        self._names = names

    async def record(self, day: int, counts: Mapping[str, int], keep: int) -> None:
        """ZINCRBY each, trimmed to the highest, in one round trip."""
        key = self._names.uses(day)
        await asyncio.gather(
            self._link.script(scripts.TIDY, [key], 0, "zset"),
            *(self._link.call("ZINCRBY", key, count, recipe) for recipe, count in counts.items()),
            self._link.call("ZREMRANGEBYRANK", key, 0, -keep - 1),
            self._link.call("EXPIRE", key, KEPT_SECONDS),
        )

    async def highest(self, day: int, limit: int) -> dict[str, int]:
        """ZRANGE from the highest down, without what is no text or was used without end."""
        keys = [self._names.uses(day)]
        scores = await self._link.script(scripts.HIGHEST, keys, limit, MOST_RECIPE_BYTES, read=_scores)
        return {name: int(score) for name, score in scores if "\ufffd" not in name and math.isfinite(score)}


def _scores(reply: object) -> list[tuple[str, float]]:
    """Names and scores; raises InvalidResponse."""
    try:
        return [(name.decode(errors="replace"), float(score)) for name, score in pairs(reply, "uses")]
    except ValueError as failure:
        raise InvalidResponse("uses that are none") from failure
