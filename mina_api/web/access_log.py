"""The access log: a line for each request; of the cache's hits for one in 64 or more, which says for how many.

At DEBUG the logger `mina.access` has a line for every hit, as the cache's own has: none is answered before routing.
"""

import logging
from typing import Any

from mina_api.cache import stats
from mina_api.cache.fastapi.sampling import EVERY
from mina_api.logs import get_logger

NAME = "mina.access"

logger = get_logger(NAME)
_loggers = (logging.getLogger(NAME), logging.getLogger(stats.__name__))


def has_every_hit() -> bool:
    """Whether each hit is to have its line."""
    return _loggers[0].isEnabledFor(logging.DEBUG) or _loggers[1].isEnabledFor(logging.DEBUG)


def note(*, method: str, path: str, status: int, seconds: float, cache: str | None, stands_for: int = 1) -> None:
    """Write a request's line; `cache` is its Cache-Status, `stands_for` how many hits like it have none."""
    fields: dict[str, Any] = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000, 2)}
    if cache:
        fields["cache"] = cache
    if stands_for > 1:
        fields["stands_for"] = stands_for
    logger.info("request", **fields)


class Sampling:
    """Which hits of the long way have a line."""

    def __init__(self) -> None:
        self._hits = 0

    def stands_for(self, status: int, cache: str | None) -> int:
        """How many requests the next line is for: 0 if this one has none."""
        if status >= 400 or cache is None or not cache.startswith("mina; hit") or has_every_hit():
            return 1
        self._hits += 1
        return EVERY if self._hits % EVERY == 1 else 0
