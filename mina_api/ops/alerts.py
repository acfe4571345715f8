"""Alerts: the rules, evaluated by one worker of all every few seconds, and their states as every worker tells them."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from mina_api.background import Background
from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.service import CacheService
from mina_api.cache.stats import histogram
from mina_api.cache.tier import TierUnavailable
from mina_api.logs import get_logger
from mina_api.ops.rules import RULES, Point, Rule, State, values
from mina_api.ops.said import Moment, Share
from mina_api.ops.telling import Teller

logger = get_logger(__name__)

EVERY_SECONDS = 5.0
# An hour and a bit.
KEPT = 740
POINTS = "points"
STATES = "alerts"


class AdviceOut(BaseModel):
    """What to do about it."""

    cause: str = Field(examples=["TTLs are too short."])
    solution: str = Field(examples=["Lengthen them."])
    impact: str = Field(examples=["More requests run their queries."])


class Alert(BaseModel):
    """One rule, and how it stands."""

    name: Literal["hit_rate", "latency", "memory", "errors"] = Field(examples=["hit_rate"])
    summary: str = Field(examples=["Hit rate of the cache over five minutes"])
    state: State = Field(examples=["ok"], description="`warning`: off its target, but not beyond its threshold")
    since: datetime | None = Field(examples=["2026-11-24T09:00:00Z"], description="when it came to be in this state")
    value: float | None = Field(examples=[0.87], description="null where nothing is known, or too little happened")
    unit: Literal["share", "ms", "count"] = Field(examples=["share"])
    target: float = Field(examples=[0.7])
    threshold: float = Field(examples=[0.5], description="it fires beyond this")
    ends_at: float = Field(examples=[0.6], description="and once it fires, until this is reached again")
    advice: AdviceOut


class Alerts(BaseModel):
    """All rules; `evaluated_at` is null before the first evaluation."""

    scope: Literal["all workers", "this worker"] = Field(examples=["all workers"])
    evaluated_at: datetime | None = Field(examples=["2026-11-24T09:00:05Z"])
    alerts: list[Alert]


class Stand(BaseModel):
    """How a rule stands, since when, and by what value."""

    state: State
    since: Moment
    value: Share | None = None


class Stands(BaseModel):
    """How each rule stood at a time."""

    at: Moment
    hit_rate: Stand | None = None
    latency: Stand | None = None
    memory: Stand | None = None
    errors: Stand | None = None

    @classmethod
    def read(cls, data: bytes) -> dict[str, Any]:
        """What was noted, without what is not known; raises ValueError."""
        return cls.model_validate_json(data).model_dump(exclude_none=True)


class Watch:
    """Evaluates, where it is this worker's turn, and tells how the rules stand; alone while Redis is away."""

    def __init__(self, cache: CacheService, ledger: RedisLedger | None, teller: Teller) -> None:
        self._cache = cache
        self._ledger = ledger
        self._teller = teller
        self._own_points: list[Point] = []
        self._own_states: dict[str, Any] = {}
        self._work = Background("alerts")

    def start(self) -> None:
        """Begin to watch."""
        self._work.start(self._run())

    async def close(self) -> None:
        """End."""
        await self._work.close()

    async def alerts(self) -> Alerts:
        """How the rules stand."""
        scope: Literal["all workers", "this worker"] = "all workers"
        try:
            if self._ledger is None:
                raise TierUnavailable("there is no Redis")
            (found,) = await self._ledger.notes([STATES], Stands.read)
            states = found or {}
        except TierUnavailable:
            scope, states = "this worker", self._own_states
        at = states.get("at")
        return Alerts(
            scope=scope,
            evaluated_at=None if at is None else datetime.fromtimestamp(at, UTC),
            alerts=[_alert(rule, states.get(rule.name, {})) for rule in RULES],
        )

    async def evaluate(self) -> None:
        """Evaluate now, for all workers; for this one while Redis is away."""
        try:
            await self._evaluate_for_all()
        except TierUnavailable:
            self._own_points = [_point(self._teller.own(), time.time()), *self._own_points][:KEPT]
            self._own_states = self._next(self._own_states, self._own_points, None)

    async def _evaluate_for_all(self) -> None:
        if self._ledger is None:
            raise TierUnavailable("there is no Redis")
        told = await self._teller.read()
        now = _point(told.counts, told.now)
        memory, older, found = await asyncio.gather(
            self._cache.server_memory(),
            self._ledger.series(POINTS, Point.read),
            self._ledger.notes([STATES], Stands.read),
        )
        points = [now, *older]
        share = memory.used_bytes / memory.maximum_bytes if memory.maximum_bytes else None
        states = self._next(found[0] or {}, points, share)
        await asyncio.gather(self._ledger.append(POINTS, [now.said], KEPT), self._ledger.note(STATES, states))

    def _next(self, states: Mapping[str, Any], points: list[Point], memory_share: float | None) -> dict[str, Any]:
        now, following = points[0].at, dict[str, Any](at=points[0].at)
        for rule in RULES:
            before = states.get(rule.name, {"state": "ok", "since": now})
            value = values(points, memory_share)[rule.name]
            state = rule.next_state(before["state"], value)
            since = before["since"] if state == before["state"] else now
            if state != before["state"] and "firing" in (state, before["state"]):
                logger.warning("alert", rule=rule.name, state=state, value=value, threshold=rule.fires)
            following[rule.name] = {"state": state, "since": since, "value": value}
        return following

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                if self._ledger is not None and not await self._ledger.take_turn(STATES, EVERY_SECONDS * 0.9):
                    continue
            except TierUnavailable:
                pass
            try:
                await self.evaluate()
            except Exception:
                logger.exception("the alerts cannot be evaluated")


def _point(counts: Mapping[str, int], at: float) -> Point:
    return Point(
        at,
        counts.get("hits", 0),
        counts.get("misses", 0),
        counts.get("errors", 0),
        tuple(histogram(counts, "hit")),
    )


def _alert(rule: Rule, found: Mapping[str, Any]) -> Alert:
    since = found.get("since")
    return Alert.model_validate(
        {
            "name": rule.name,
            "summary": rule.summary,
            "state": found.get("state", "ok"),
            "since": None if since is None else datetime.fromtimestamp(since, UTC),
            "value": found.get("value"),
            "unit": rule.unit,
            "target": rule.target,
            "threshold": rule.fires,
            "ends_at": rule.ends,
            "advice": {"cause": rule.advice.cause, "solution": rule.advice.solution, "impact": rule.advice.impact},
        }
    )
