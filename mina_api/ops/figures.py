"""What was counted, put into figures: totals, rates, percentiles, by prefix, endpoint, tier and outcome."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from mina_api.cache.stats import LATENCY_BUCKETS, groups, histogram, named, percentile


class Group(BaseModel):
    """What was counted of one prefix or endpoint."""

    hits: int = Field(examples=[870])
    misses: int = Field(examples=[130])
    bypasses: int = Field(examples=[4], description="answers that the cache had no part in")
    hit_rate: float = Field(examples=[0.87])


class Latency(BaseModel):
    """Percentiles in milliseconds, interpolated in the buckets of a histogram; null without an answer.

    Of hits that are answered before any routing one in 64 or more is timed, and counts for all of them.
    """

    count: int = Field(examples=[1000])
    p50: float | None = Field(examples=[0.2])
    p95: float | None = Field(examples=[1.4])
    p99: float | None = Field(examples=[4.8])


class Bucket(BaseModel):
    """How many answers took up to `le` milliseconds, and longer than the bucket before; null: without a bound."""

    le: float | None = Field(examples=[2.5])
    hits: int = Field(examples=[870])
    misses: int = Field(examples=[130])


class Stats(BaseModel):
    """What the cache did since the counts began, over all workers and hosts; at most two seconds behind."""

    hits: int = Field(examples=[870])
    misses: int = Field(examples=[130])
    sets: int = Field(examples=[130])
    deletes: int = Field(examples=[12], description="entries deleted and tags invalidated")
    errors: int = Field(examples=[0])
    total_requests: int = Field(examples=[1000], description="hits and misses")
    hit_rate: float = Field(examples=[0.87])
    uptime_seconds: float = Field(examples=[86400.5], description="of the worker that has run longest")
    scope: Literal["all workers", "this worker"] = Field(
        examples=["all workers"], description="`this worker` while Redis is away: its own since its start"
    )
    since: float | None = Field(
        examples=[1_795_500_000.0], description="when the counts began, in seconds since the epoch"
    )
    workers: int = Field(examples=[2], description="how many are counted")
    bypasses: int = Field(examples=[4])
    invalidations: int = Field(examples=[6])
    by_prefix: dict[str, Group] = Field(
        examples=[{"session": {"hits": 870, "misses": 130, "bypasses": 4, "hit_rate": 0.87}}]
    )
    by_endpoint: dict[str, Group] = Field(
        examples=[{"api_meetings.get_meeting": {"hits": 870, "misses": 130, "bypasses": 4, "hit_rate": 0.87}}]
    )
    by_tier: dict[str, int] = Field(examples=[{"l1": 800, "l2": 70}], description="hits from memory and from Redis")
    by_outcome: dict[str, int] = Field(examples=[{"hit": 870, "miss": 128, "stale": 2, "bypass": 4, "error": 0}])
    latency_ms: dict[str, Latency] = Field(
        examples=[{"hit": {"count": 870, "p50": 0.1, "p95": 0.4, "p99": 1.2}}],
        description="of all, of hits, of misses and of bypasses",
    )
    latency_buckets: list[Bucket]


OUTCOMES = ("hit", "miss", "stale", "bypass", "error")


def hit_rate(hits: int, misses: int) -> float:
    """The share of hits, 0 without a request."""
    return hits / (hits + misses) if hits + misses else 0.0


def stats_of(
    counts: Mapping[str, int],
    *,
    scope: Literal["all workers", "this worker"],
    since: float | None,
    uptime: float,
    workers: int,
) -> Stats:
    """The figures of these counts."""
    hits, misses = counts.get("hits", 0), counts.get("misses", 0)
    outcomes = named(counts, "outcome")
    kinds = {"all": ("hit", "miss", "bypass"), "hit": ("hit",), "miss": ("miss",), "bypass": ("bypass",)}
    return Stats(
        hits=hits,
        misses=misses,
        sets=counts.get("sets", 0),
        deletes=counts.get("deletes", 0),
        errors=counts.get("errors", 0),
        total_requests=hits + misses,
        hit_rate=hit_rate(hits, misses),
        uptime_seconds=uptime,
        scope=scope,
        since=since,
        workers=workers,
        bypasses=counts.get("bypasses", 0),
        invalidations=counts.get("invalidations", 0),
        by_prefix=_groups(counts, "prefix"),
        by_endpoint=_groups(counts, "endpoint"),
        by_tier={"l1": 0, "l2": 0, **{tier: found.get("hits", 0) for tier, found in groups(counts, "tier").items()}},
        by_outcome={outcome: outcomes.get(outcome, 0) for outcome in OUTCOMES},
        latency_ms={name: latency_of(histogram(counts, *of)) for name, of in kinds.items()},
        latency_buckets=[
            Bucket(le=bound, hits=hit, misses=miss)
            for bound, hit, miss in zip(
                (*LATENCY_BUCKETS, None), histogram(counts, "hit"), histogram(counts, "miss"), strict=True
            )
        ],
    )


def latency_of(buckets: list[int]) -> Latency:
    """The percentiles of a histogram."""
    return Latency(
        count=sum(buckets), p50=percentile(buckets, 0.5), p95=percentile(buckets, 0.95), p99=percentile(buckets, 0.99)
    )


def _groups(counts: Mapping[str, int], kind: str) -> dict[str, Group]:
    return {
        name: Group(
            hits=found.get("hits", 0),
            misses=found.get("misses", 0),
            bypasses=found.get("bypasses", 0),
            hit_rate=hit_rate(found.get("hits", 0), found.get("misses", 0)),
        )
        for name, found in sorted(groups(counts, kind).items())
    }
