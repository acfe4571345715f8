"""The rules of alerting, as plain data and plain decisions: what is watched, when it fires, when it ends, what to do.

Each begins at its threshold and ends only at a value nearer to the target, so that one that wavers does not flap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from mina_api.cache.stats import LATENCY_BUCKETS, percentile
from mina_api.ops.said import Count, Moment

State = Literal["ok", "warning", "firing"]

BUCKETS = len(LATENCY_BUCKETS) + 1
# A rate of fewer requests says nothing.
FEWEST_REQUESTS = 20
WINDOW_SECONDS = 300.0
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Advice:
    """What the troubleshooting guide says."""

    cause: str
    solution: str
    impact: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is watched; `lower_is_better` says on which side of `fires` it fires."""

    name: str
    summary: str
    unit: str
    target: float
    fires: float
    ends: float
    lower_is_better: bool
    advice: Advice

    def next_state(self, state: State, value: float | None) -> State:
        """The state after `value`; None, where nothing is known, leaves what fires firing and nothing else."""
        if value is None:
            return "firing" if state == "firing" else "ok"
        sign = 1 if self.lower_is_better else -1
        if sign * value > sign * self.fires:
            return "firing"
        if state == "firing" and sign * value > sign * self.ends:
            return "firing"
        return "ok" if sign * value <= sign * self.target else "warning"


HIT_RATE = Rule(
    "hit_rate",
    "Hit rate of the cache over five minutes",
    "share",
    target=0.70,
    fires=0.50,
    ends=0.60,
    lower_is_better=False,
    advice=Advice(
        "TTLs are too short, writes clear more than they change, keys vary on what does not matter, or the cache is "
        "cold after a deployment or an empty Redis.",
        "See which endpoint misses (`mina cache top`) and why one of its keys does (`mina cache explain KEY`); "
        "lengthen its TTL or narrow its tags; warm after deployments (`mina cache warm`, MINA_CACHE_WARM_ON_START).",
        "More requests run their queries: answers are slower and Postgres has more to do.",
    ),
)
LATENCY = Rule(
    "latency",
    "95th percentile of a hit's latency over five minutes",
    "ms",
    target=5.0,
    fires=50.0,
    ends=40.0,
    lower_is_better=True,
    advice=Advice(
        "Redis is far away, overloaded or out of CPU; entries are very large; or this worker's event loop is busy.",
        "Look at Redis (`redis-cli --latency`, SLOWLOG, CPU) and at the network; see to it that memory serves "
        "(MINA_CACHE_MEMORY_BYTES); add workers if the event loop is what is busy.",
        "Hits lose what they are for; beyond the time-out the breaker opens and Postgres answers everything.",
    ),
)
MEMORY = Rule(
    "memory",
    "Redis's memory against its maxmemory",
    "share",
    target=0.80,
    fires=0.90,
    ends=0.85,
    lower_is_better=True,
    advice=Advice(
        "More is cached than Redis may hold: TTLs are long, keys many, or answers large.",
        "Raise maxmemory, shorten TTLs, clear a prefix that is not needed (`mina cache clear PREFIX`), and set "
        "maxmemory-policy to allkeys-lru.",
        "Redis evicts what is needed, so that the hit rate falls; under noeviction it refuses writes, and is then left "
        "out altogether.",
    ),
)
ERRORS = Rule(
    "errors",
    "Errors of the cache within the last hour",
    "count",
    target=0.0,
    fires=10.0,
    ends=5.0,
    lower_is_better=True,
    advice=Advice(
        "Redis is lost or refuses commands, entries cannot be decoded after a deployment, or loads fail behind an "
        "answer that is served stale.",
        "Read the log for `Redis is lost`, `refused` and `cannot be read`; see `/ops/health`; give Redis back its "
        "memory, its rights or its network.",
        "What cannot be cached is answered by Postgres: right, but slower.",
    ),
)
RULES = (HIT_RATE, LATENCY, MEMORY, ERRORS)


@dataclass(frozen=True, slots=True)
class Point:
    """The counts at a time (seconds since the epoch): `hit_buckets` is the histogram of the latency of hits."""

    at: Moment
    hits: Count
    misses: Count
    errors: Count
    hit_buckets: Annotated[tuple[Count, ...], Field(min_length=BUCKETS, max_length=BUCKETS)]

    @classmethod
    def read(cls, data: bytes) -> "Point":
        """What `said` wrote; raises ValueError."""
        return _POINT.validate_json(data)

    @property
    def said(self) -> dict[str, Any]:
        """The point as JSON has it."""
        return {
            "at": self.at,
            "hits": self.hits,
            "misses": self.misses,
            "errors": self.errors,
            "hit_buckets": list(self.hit_buckets),
        }

    def since(self, before: "Point | None") -> "Point":
        """What was added since `before`; all of it where the counts began anew in between."""
        if before is None or self.hits < before.hits or self.misses < before.misses or self.errors < before.errors:
            return self
        buckets = zip(self.hit_buckets, before.hit_buckets, strict=True)
        return Point(
            self.at,
            self.hits - before.hits,
            self.misses - before.misses,
            self.errors - before.errors,
            tuple(max(0, now - then) for now, then in buckets),
        )


_POINT = TypeAdapter(Point)


def values(points: Sequence[Point], memory_share: float | None) -> dict[str, float | None]:
    """What each rule looks at, of `points` from the newest on; None where nothing is known."""
    newest = points[0]
    lately = newest.since(_at(points, newest.at - WINDOW_SECONDS))
    within_the_hour = newest.since(_at(points, newest.at - HOUR_SECONDS))
    requests = lately.hits + lately.misses
    return {
        HIT_RATE.name: lately.hits / requests if requests >= FEWEST_REQUESTS else None,
        LATENCY.name: percentile(list(lately.hit_buckets), 0.95),
        MEMORY.name: memory_share,
        ERRORS.name: float(within_the_hour.errors),
    }


def _at(points: Sequence[Point], then: float) -> Point | None:
    """The newest point that is not younger than `then`; None, which is before any count, where none is as old."""
    return next((point for point in points if point.at <= then), None)
