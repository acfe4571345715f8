"""Telling the counts of this process to all: every so often what was added since, each addition exactly once."""

import asyncio
import contextlib
import os
import secrets
import socket
import time

from pydantic import BaseModel

from mina_api.background import Background
from mina_api.cache.experiment import KEPT
from mina_api.cache.redis_tier.ledger import RedisLedger, Told
from mina_api.cache.service import CacheService
from mina_api.cache.tier import TierUnavailable
from mina_api.logs import get_logger
from mina_api.ops.noting import Invalidations
from mina_api.ops.said import Count, Moment, Text

logger = get_logger(__name__)

EVERY_SECONDS = 1.0
# Who has told nothing for so long has ended, or is as good as that.
GONE_SECONDS = 30.0
# A reset waits so long for what others have counted and not yet told.
RESET_SECONDS = 3.0


class Worker(BaseModel):
    """What a process says of itself."""

    pid: Count
    host: Text
    started: Moment
    hits: Count
    misses: Count
    errors: Count
    redis: bool
    serves_from_memory: bool
    memory_entries: Count
    memory_bytes: Count
    evictions: Count
    loads_in_flight: Count
    loads_waiting: Count


class Teller:
    """This process's side of the counts of all.

    What cannot be told now is told later: a batch keeps its number until it is known to be added, so that one whose
    reply was lost is not added twice.
    """

    def __init__(self, cache: CacheService, ledger: RedisLedger | None, invalidations: Invalidations) -> None:
        self._cache = cache
        self._ledger = ledger
        self._invalidations = invalidations
        self.process = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._started = time.time()
        self._told: dict[str, int] = {}
        self._batch: dict[str, int] | None = None
        self._number = 0
        self._turn = asyncio.Lock()
        self._work = Background("teller")

    async def start(self) -> None:
        """Begin to tell: first that this process is there, which a reset waits for."""
        with contextlib.suppress(TierUnavailable):
            await self.tell()
        self._work.start(self._run())

    async def close(self) -> None:
        """Tell once more, and end."""
        await self._work.close()
        with contextlib.suppress(TierUnavailable):
            await self.tell()
            if self._ledger is not None:
                await self._ledger.forget_workers([self.process])

    async def tell(self) -> None:
        """Tell everything that was counted until now; raises TierUnavailable."""
        async with self._turn:
            if self._ledger is None:
                raise TierUnavailable("there is no Redis")
            if self._batch is not None:
                await self._send(self._ledger)
            self._batch = self._untold()
            self._number += 1
            await self._send(self._ledger)
            await self._invalidations.tell(self._ledger)
            if (experiment := self._cache.experiment) is not None:
                for arm, samples in experiment.take().items():
                    await self._ledger.append(f"samples:{arm}", samples, KEPT)

    async def read(self) -> Told[Worker]:
        """The counts of all, those of this process up to now; raises TierUnavailable."""
        await self.tell()
        assert self._ledger is not None  # noqa: S101  (without one nothing can be told)
        told = await self._ledger.read(Worker.model_validate_json)
        gone = [name for name, seconds in told.seconds_ago.items() if seconds > GONE_SECONDS]
        await self._ledger.forget_workers(gone)
        for name in gone:
            del told.workers[name], told.seconds_ago[name]
        return told

    async def reset(self) -> None:
        """Begin the counts of all anew, once everybody has told what they counted before; raises TierUnavailable."""
        told = await self.read()
        assert self._ledger is not None  # noqa: S101
        deadline = told.now + RESET_SECONDS
        others = {name for name, seconds in told.seconds_ago.items() if seconds < RESET_SECONDS} - {self.process}
        asked_at = told.now
        while others and told.now < deadline:
            await asyncio.sleep(0.1)
            told = await self.read()
            # Redis notes whole seconds: only who has told in a later one has certainly told since.
            others = {name for name in others & set(told.workers) if told.now - told.seconds_ago[name] <= asked_at}
        await self._ledger.reset(told.now)

    def own(self) -> dict[str, int]:
        """What this process has counted since its start."""
        return self._cache.totals()

    @property
    def uptime_seconds(self) -> float:
        """How long this process has run."""
        return time.time() - self._started

    def worker(self) -> Worker:
        """What this process says of itself."""
        own = self._cache.get_cache_stats()
        return Worker(
            pid=os.getpid(),
            host=socket.gethostname(),
            started=self._started,
            hits=own["hits"],
            misses=own["misses"],
            errors=own["errors"],
            redis=self._cache.is_available,
            serves_from_memory=self._cache.serves_from_memory,
            memory_entries=len(self._cache.memory),
            memory_bytes=self._cache.memory.used_bytes,
            evictions=self._cache.memory.evictions,
            loads_in_flight=self._cache.loads_in_flight,
            loads_waiting=self._cache.loads_waiting,
        )

    def _untold(self) -> dict[str, int]:
        added = {name: count - self._told.get(name, 0) for name, count in self.own().items()}
        return {name: count for name, count in added.items() if count}

    async def _send(self, ledger: RedisLedger) -> None:
        assert self._batch is not None  # noqa: S101
        await ledger.tell(self.process, self._number, self._batch, self.worker().model_dump())
        for name, count in self._batch.items():
            self._told[name] = self._told.get(name, 0) + count
        self._batch = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.tell()
            except TierUnavailable:
                continue
            except Exception:
                logger.exception("the counts of this worker cannot be told")
