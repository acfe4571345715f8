"""The hit rate of an ideal cache of the same requests: it forgets nothing but what a write may have changed.

It knows the same entries, one for each member and target, and the same dependencies. What is measured may fall short
of it by loads that run while a write comes in; what exceeds it has served what was to be forgotten.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from benchmarks.mix.plan import Ask
from benchmarks.mix.sessions import CREATE, DASHBOARD, ENGAGEMENT, LIST, MEASURES, MEETING, OVERVIEW, TASK, TASKS

ANALYTICS, SESSION, LISTS = "analytics", "session", "lists"


@dataclass(slots=True)
class Hits:
    """Of the requests to one endpoint, those that the cache answers."""

    hits: int = 0
    requests: int = 0

    @property
    def rate(self) -> float:
        """Hits to requests; 0 without any."""
        return self.hits / self.requests if self.requests else 0.0


class IdealCache:
    """Answers by member and target, each under the versions of what it depends on."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._entries: dict[tuple[int, str], tuple[int, ...]] = {}

    def take(self, ask: Ask) -> bool:
        """Whether a read is a hit; it is stored if not, and a write's tags get new versions."""
        if ask.is_write:
            for tag in _cleared(ask):
                self._versions[tag] = self._versions.get(tag, 0) + 1
            return False
        key = (ask.member, ask.path)
        current = tuple(self._versions.get(tag, 0) for tag in _depended_on(ask))
        is_hit = self._entries.get(key) == current
        self._entries[key] = current
        return is_hit


def ideal_hits(asks: Iterable[Ask], after: int = 0) -> dict[str, Hits]:
    """By endpoint, without the first `after` requests, which only warm the cache."""
    cache, found = IdealCache(), dict[str, Hits]()
    for number, ask in enumerate(asks):
        is_hit = cache.take(ask)
        if number >= after and not ask.is_write:
            hits = found.setdefault(ask.what, Hits())
            hits.requests += 1
            hits.hits += is_hit
    return found


def _cleared(ask: Ask) -> Iterator[str]:
    yield ANALYTICS
    if ask.what == CREATE:
        yield SESSION
    if ask.what != TASK:
        yield LISTS
    if ask.meeting is not None:
        yield f"meeting:{ask.meeting}"


def _depended_on(ask: Ask) -> Iterator[str]:
    if ask.what in (DASHBOARD, OVERVIEW, ENGAGEMENT, MEASURES):
        yield ANALYTICS
    if ask.what in (LIST, MEETING, TASKS):
        yield SESSION
    if ask.what == LIST:
        yield LISTS
    if ask.meeting is not None:
        yield f"meeting:{ask.meeting}"
