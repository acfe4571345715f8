"""`/ops/experiments`: cache against no cache on a share of users, and the freshness audit."""

import asyncio
import random
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

from pydantic import BaseModel, Field, TypeAdapter

from mina_api.cache.experiment import CACHE, CONTROL, Sample
from mina_api.cache.stats import named
from mina_api.cache.tier import TierUnavailable
from mina_api.errors import Unavailable
from mina_api.ops.access import OperatorOf
from mina_api.ops.dependencies import OperationsOf
from mina_api.ops.said import Count, Number, Weight
from mina_api.web.openapi import responses
from mina_api.web.routing import Router

router = Router(prefix="/ops", tags=["Operations"])

RESAMPLES = 400
CONFIDENCE = 0.95
_SAMPLE = TypeAdapter(tuple[Number, Count, Weight])


class Estimate(BaseModel):
    """A percentile in milliseconds, and between what it lies with a confidence of 95 % (percentile bootstrap)."""

    value: float | None = Field(examples=[1.2], description="null without a sample")
    low: float | None = Field(examples=[1.1])
    high: float | None = Field(examples=[1.4])


class Arm(BaseModel):
    """The users who are served in one way."""

    arm: Literal["cache", "control"] = Field(examples=["cache"])
    samples: int = Field(examples=[1000], description="of the newest answers, at most 1000")
    answers: int = Field(examples=[4200], description="that they stand for")
    p50_ms: Estimate
    p95_ms: Estimate
    queries_per_answer: float | None = Field(examples=[0.4])
    mean_ms: float | None = Field(examples=[1.3])


class Audit(BaseModel):
    """Hits that were loaded again at the same tag tokens since the counts began."""

    share: float = Field(examples=[0.001], description="of hits that are audited")
    matches: int = Field(examples=[412])
    mismatches: int = Field(examples=[0], description="each was logged with both digests, and its entry dropped")
    unknown: int = Field(examples=[3], description="their tags changed meanwhile: nothing can be said")


class Experiments(BaseModel):
    """Both experiments."""

    control_share: float = Field(examples=[0.05], description="of users, by a stable hash; 0: no experiment runs")
    arms: list[Arm]
    saved_ms_per_answer: float | None = Field(examples=[11.2], description="null unless both arms have samples")
    saved_queries_per_answer: float | None = Field(examples=[2.6])
    queries_saved: float | None = Field(examples=[10920.0], description="over the answers that the samples stand for")
    freshness: Audit


@router.get("/experiments", summary="What the cache is worth", responses=responses(401, 403, 503))
async def get_experiments(_: OperatorOf, operations: OperationsOf) -> Experiments:
    """Latencies by arm over all workers, and whether any hit was found stale."""
    if operations.ledger is None:
        raise Unavailable("Redis, which has the samples, cannot answer now.")
    try:
        told = await operations.teller.read()
        samples = [await operations.ledger.series(f"samples:{arm}", _SAMPLE.validate_json) for arm in (CACHE, CONTROL)]
    except TierUnavailable:
        raise Unavailable("Redis, which has the samples, cannot answer now.") from None
    cached, control = await asyncio.to_thread(lambda: (arm_of("cache", samples[0]), arm_of("control", samples[1])))
    saved_queries = _difference(control.queries_per_answer, cached.queries_per_answer)
    audits = named(told.counts, "audit")
    return Experiments(
        control_share=operations.cache.experiment.share if operations.cache.experiment else 0.0,
        arms=[cached, control],
        saved_ms_per_answer=_difference(control.mean_ms, cached.mean_ms),
        saved_queries_per_answer=saved_queries,
        queries_saved=None if saved_queries is None else saved_queries * cached.answers,
        freshness=Audit(
            share=operations.cache.config.audit_share,
            matches=audits.get("match", 0),
            mismatches=audits.get("mismatch", 0),
            unknown=audits.get("unknown", 0),
        ),
    )


def arm_of(arm: Literal["cache", "control"], samples: Sequence[Sample]) -> Arm:
    """The figures of one arm's samples."""
    answers = sum(weight for _, _, weight in samples)
    means = [sum(sample[index] * sample[2] for sample in samples) / answers if answers else None for index in (0, 1)]
    p50, p95 = estimates(samples, (0.5, 0.95))
    return Arm(
        arm=arm,
        samples=len(samples),
        answers=answers,
        p50_ms=p50,
        p95_ms=p95,
        mean_ms=means[0],
        queries_per_answer=means[1],
    )


def estimates(samples: Sequence[Sample], shares: Sequence[float], seed: int = 0) -> list[Estimate]:
    """Weighted percentiles with the intervals of a percentile bootstrap (Efron and Tibshirani 1993, chapter 13)."""
    if not samples:
        return [Estimate(value=None, low=None, high=None) for _ in shares]
    ordered = sorted(samples)
    chance = random.Random(seed)  # noqa: S311  (a resampling, not a secret)
    found: list[list[float]] = [[] for _ in shares]
    places = range(len(ordered))
    for _ in range(RESAMPLES):
        again = sorted(chance.choices(places, k=len(ordered)))
        for index, value in enumerate(_percentiles([ordered[place] for place in again], shares)):
            found[index].append(value)
    tail = round(RESAMPLES * (1 - CONFIDENCE) / 2)
    return [
        Estimate(value=value, low=sorted(each)[tail], high=sorted(each)[-tail - 1])
        for value, each in zip(_percentiles(ordered, shares), found, strict=True)
    ]


def _percentiles(ordered: Sequence[Sample], shares: Sequence[float]) -> list[float]:
    weights = list(accumulate(weight for _, _, weight in ordered))
    return [
        next(sample[0] for sample, below in zip(ordered, weights, strict=True) if below >= share * weights[-1])
        for share in shares
    ]


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
