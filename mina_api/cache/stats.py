"""Counters of what the cache did in this process, and their lines in its log: DEBUG for what happens all the time."""

import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypedDict

from mina_api.cache.clock import Clock
from mina_api.cache.keys import CacheKey

logger = logging.getLogger(__name__)

# Upper bounds in milliseconds of all buckets but the last, which has no bound.
LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0)
TOTALS = ("hits", "misses", "sets", "deletes", "errors", "bypasses")
# Of outcomes that are no misses.
TOTAL_OF = {"hit": "hits", "bypass": "bypasses", "error": "errors"}
_BUCKETS = tuple(map(str, range(len(LATENCY_BUCKETS) + 1)))
# Between the parts of a count's name: no prefix, endpoint, tier or outcome has it.
SEPARATOR = "|"


class CacheStats(TypedDict):
    """`get_cache_stats()`: counts since the start, `hit_rate` in 0–1, `uptime_seconds`."""

    hits: int
    misses: int
    sets: int
    deletes: int
    errors: int
    total_requests: int
    hit_rate: float
    uptime_seconds: float


class Counters:
    """Counts of one process; a bypass is no request of the cache's, a stale answer is a hit of its own kind.

    All but the totals are by name: of a prefix, an endpoint, a tier, an outcome, or a bucket of latency.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self.hits = 0
        self.misses = 0
        self.sets = 0
        self.deletes = 0
        self.errors = 0
        self.bypasses = 0
        self._named: Counter[tuple[str, ...]] = Counter()
        # By prefix, endpoint and outcome: what follows from that is counted where it is looked at.
        self._answers: Counter[tuple[str, str | None, str]] = Counter()
        self._before_stats: list[Callable[[], None]] = []

    def before_stats(self, settle: Callable[[], None]) -> None:
        """Have `settle` called before anything that is counted is looked at: it counts what was not counted yet."""
        self._before_stats.append(settle)

    def settle(self) -> None:
        """Count what was not counted yet."""
        for settle in self._before_stats:
            settle()

    def hit(self, key: CacheKey, tier: str, times: int = 1) -> None:
        """Count answers from the cache."""
        self.hits += times
        self._named["tier", tier, "hits"] += times
        self._answers[key.prefix, key.endpoint, "hit"] += times
        logger.debug("hit: %s", key)

    def loaded(self, key: CacheKey, outcome: str = "miss", *, bypass: bool = False) -> None:
        """Count an answer that had to be loaded, or that the cache had no part in."""
        if bypass:
            self.bypasses += 1
            self._answers[key.prefix, key.endpoint, "bypass"] += 1
            logger.debug("bypass: %s", key)
            return
        self.misses += 1
        self._answers[key.prefix, key.endpoint, outcome] += 1
        logger.debug("miss: %s", key)

    def failed(self, key: CacheKey) -> None:
        """Count an answer that could not be given as it should: its load failed."""
        self.errors += 1
        self._answers[key.prefix, key.endpoint, "error"] += 1

    def took(self, kind: str, seconds: float, times: int = 1) -> None:
        """Count answers of `kind`, each of which took so long."""
        self._named["latency", kind, _BUCKETS[bisect_left(LATENCY_BUCKETS, seconds * 1000)]] += times

    def count(self, *name: str, times: int = 1) -> None:
        """Count anything else, by a name of parts."""
        self._named[name] += times

    def snapshot(self) -> CacheStats:
        """The counts now."""
        self.settle()
        total = self.hits + self.misses
        return CacheStats(
            hits=self.hits,
            misses=self.misses,
            sets=self.sets,
            deletes=self.deletes,
            errors=self.errors,
            total_requests=total,
            hit_rate=self.hits / total if total else 0.0,
            uptime_seconds=self._clock.monotonic() - self._started,
        )

    def totals(self) -> dict[str, int]:
        """Every count now, each under one name."""
        self.settle()
        named = Counter(self._named)
        for (prefix, endpoint, outcome), times in self._answers.items():
            what = TOTAL_OF.get(outcome, "misses")
            named["outcome", outcome] += times
            named["prefix", prefix, what] += times
            if endpoint is not None:
                named["endpoint", endpoint, what] += times
        return {name: getattr(self, name) for name in TOTALS} | {SEPARATOR.join(name): n for name, n in named.items()}


def groups(counts: Mapping[str, int], kind: str) -> dict[str, dict[str, int]]:
    """The counts of a kind (`prefix`, `endpoint`, `tier`, `latency`), by name and by what was counted."""
    found: dict[str, dict[str, int]] = {}
    for first, rest, count in _split(counts):
        if first == kind and len(rest) == 2:
            found.setdefault(rest[0], {})[rest[1]] = count
    return found


def named(counts: Mapping[str, int], kind: str) -> dict[str, int]:
    """The counts of a kind that has but one name each, such as `outcome`."""
    return {rest[0]: count for first, rest, count in _split(counts) if first == kind and len(rest) == 1}


def is_count(name: str) -> bool:
    """Whether something can be counted under this name, in one line of text."""
    first, *rest = name.split(SEPARATOR)
    if not name.isprintable():
        return False
    return first != "latency" or (len(rest) == 2 and rest[1] in _BUCKETS)


def histogram(counts: Mapping[str, int], *kinds: str) -> list[int]:
    """How many answers of `kinds` fell in each bucket, the last without a bound."""
    buckets = [0] * (len(LATENCY_BUCKETS) + 1)
    for name, found in groups(counts, "latency").items():
        if name in kinds:
            for index, count in found.items():
                buckets[int(index)] += count
    return buckets


def percentile(buckets: list[int], share: float) -> float | None:
    """The latency in milliseconds that `share` of all stay within, by interpolation in its bucket; None without any."""
    total = sum(buckets)
    if not total:
        return None
    rank, below = share * total, 0
    for index, count in enumerate(buckets):
        if count and below + count >= rank:
            low = LATENCY_BUCKETS[index - 1] if index else 0.0
            high = LATENCY_BUCKETS[index] if index < len(LATENCY_BUCKETS) else low
            return min(high, low + (high - low) * max(0.0, rank - below) / count)
        below += count
    return LATENCY_BUCKETS[-1]


def _split(counts: Mapping[str, int]) -> Iterator[tuple[str, list[str], int]]:
    for name, count in counts.items():
        first, *rest = name.split(SEPARATOR)
        yield first, rest, count
