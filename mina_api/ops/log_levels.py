"""Levels of loggers that are set while the workers run: for all of them, and for a time."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter

from mina_api.background import Background
from mina_api.cache.clock import Clock
from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.tier import TierUnavailable
from mina_api.logs import get_logger
from mina_api.ops.said import Moment

logger = get_logger(__name__)

NOTE = "log-levels"
EVERY_SECONDS = 1.0
LONGEST_SECONDS = 86_400

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
# Ours alone: a driver's debug lines hold what its statements hold.
LoggerName = Annotated[str, StringConstraints(pattern=r"^mina(_api)?(\.[A-Za-z0-9_]+)*$", max_length=100)]

_NOTED = TypeAdapter(dict[LoggerName, tuple[Level, Moment]])


class LogLevelChange(BaseModel):
    """What a logger's level is to be, and for how many seconds."""

    level: Level = Field(examples=["DEBUG"])
    seconds: int = Field(600, ge=1, le=LONGEST_SECONDS)


class LogLevel(BaseModel):
    """A logger's level until a time."""

    logger: str = Field(examples=["mina_api.cache"])
    level: Level
    until: datetime


class LogLevelList(BaseModel):
    """What is set; `scope` says for whom."""

    scope: Literal["all workers", "this worker"]
    items: list[LogLevel]


@dataclass(frozen=True, slots=True)
class _Setting:
    level: Level
    until: float


class LogLevels:
    """The levels that are set, kept in Redis, where every worker looks each second; this worker's own while it is away.

    A level ends by itself: then the logger has again the one it started with.
    """

    def __init__(self, ledger: RedisLedger | None, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._own: dict[str, _Setting] = {}
        self._before: dict[str, int] = {}
        self._work = Background("log levels")

    def start(self) -> None:
        """Begin to follow what is set."""
        self._work.start(self._run())

    async def close(self) -> None:
        """End, with every logger at the level it started with."""
        await self._work.close()
        self._apply({})

    async def set(self, name: str, change: LogLevelChange) -> LogLevelList:
        """Set a level; returns all that are set."""
        return await self._change(name, _Setting(change.level, self._clock.now() + change.seconds))

    async def clear(self, name: str) -> LogLevelList:
        """Unset a level; returns all that are set."""
        return await self._change(name, None)

    async def read(self) -> LogLevelList:
        """All that are set."""
        try:
            return _listed("all workers", await self._noted())
        except TierUnavailable:
            return _listed("this worker", self._current(self._own))

    async def _change(self, name: str, setting: _Setting | None) -> LogLevelList:
        scope: Literal["all workers", "this worker"] = "all workers"
        try:
            found = dict(await self._noted())
        except TierUnavailable:
            scope, found = "this worker", dict(self._own)
        found.pop(name, None)
        if setting is not None:
            found[name] = setting
        if self._ledger is not None and scope == "all workers":
            try:
                noted = {each: [chosen.level, chosen.until] for each, chosen in found.items()}
                await self._ledger.note(NOTE, noted, LONGEST_SECONDS)
            except TierUnavailable:
                scope = "this worker"
        self._apply(found)
        logger.warning("log levels", set={each: chosen.level for each, chosen in found.items()}, scope=scope)
        return _listed(scope, found)

    async def _noted(self) -> Mapping[str, _Setting]:
        if self._ledger is None:
            raise TierUnavailable("there is no Redis")
        (noted,) = await self._ledger.notes([NOTE], _NOTED.validate_json)
        return self._current({name: _Setting(level, until) for name, (level, until) in (noted or {}).items()})

    def _apply(self, found: Mapping[str, _Setting]) -> None:
        for name in self._before.keys() - found.keys():
            logging.getLogger(name).setLevel(self._before.pop(name))
        for name, setting in found.items():
            self._before.setdefault(name, logging.getLogger(name).level)
            logging.getLogger(name).setLevel(setting.level)
        self._own = dict(found)

    def _current(self, found: Mapping[str, _Setting]) -> dict[str, _Setting]:
        now = self._clock.now()
        return {name: setting for name, setting in found.items() if setting.until > now}

    async def _run(self) -> None:
        while True:
            try:
                self._apply(await self._noted())
            except TierUnavailable:
                self._apply(self._current(self._own))
            except Exception:
                logger.exception("the levels of loggers cannot be followed")
            await asyncio.sleep(EVERY_SECONDS)


def _listed(scope: Literal["all workers", "this worker"], found: Mapping[str, _Setting]) -> LogLevelList:
    items = [
        LogLevel(logger=name, level=setting.level, until=datetime.fromtimestamp(setting.until, UTC))
        for name, setting in sorted(found.items())
    ]
    return LogLevelList(scope=scope, items=items)
