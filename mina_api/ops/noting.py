"""Who invalidated which tag last, and when: noted here in the write's course, told to all afterwards."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from pydantic import BaseModel

from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.tier import TierUnavailable
from mina_api.ops.said import Moment, Text

# Of one second: beyond that the oldest are not told.
KEPT = 5000
RECENT = 50
SHOWN = 20


class Noted(BaseModel):
    """When it was, and in whose request, if it was in one."""

    at: Moment
    user: int | None = None
    request: Text | None = None
    request_id: Text | None = None


class NotedTag(Noted):
    """The same, and of what tag."""

    tag: Text


class Invalidations:
    """What this process has invalidated and not yet told; a write waits for nothing of it."""

    def __init__(self) -> None:
        self._untold: dict[str, dict[str, Any]] = {}

    def note(self, tags: Sequence[str]) -> None:
        """These tags were invalidated now, by the request that is being answered."""
        context = structlog.contextvars.get_contextvars()
        what = {"at": time.time(), **{name: context.get(name) for name in ("user", "request", "request_id")}}
        for tag in tags:
            self._untold.pop(tag, None)
            self._untold[tag] = what
        while len(self._untold) > KEPT:
            del self._untold[next(iter(self._untold))]

    async def tell(self, ledger: RedisLedger) -> None:
        """Tell all; raises TierUnavailable, and then they are told later."""
        if not self._untold:
            return
        untold, self._untold = self._untold, {}
        try:
            await ledger.note_each({f"tag:{tag}": what for tag, what in untold.items()})
            recent = [{"tag": tag, **what} for tag, what in untold.items()]
            await ledger.append("invalidations", recent[-RECENT:], RECENT)
        except TierUnavailable:
            self._untold = {**untold, **self._untold}
            raise

    @staticmethod
    async def last(ledger: RedisLedger, tags: Iterable[str]) -> dict[str, Noted]:
        """Who invalidated each of these last, in a week; raises TierUnavailable."""
        names = list(tags)
        found = await ledger.notes([f"tag:{tag}" for tag in names], Noted.model_validate_json)
        return {tag: what for tag, what in zip(names, found, strict=True) if what is not None}

    @staticmethod
    async def recent(ledger: RedisLedger) -> list[dict[str, Any]]:
        """The newest of all, the newest first; raises TierUnavailable."""
        found = await ledger.series("invalidations", NotedTag.model_validate_json, 0, SHOWN - 1)
        return [each.model_dump() for each in found]
