"""The operations of one process: what it tells, and how it reads what all have told."""

from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.service import CacheService
from mina_api.cache.tier import TierUnavailable
from mina_api.ops.alerts import Watch
from mina_api.ops.figures import Stats, stats_of
from mina_api.ops.inspecting import Inspector
from mina_api.ops.log_levels import LogLevels
from mina_api.ops.noting import Invalidations
from mina_api.ops.telling import Teller
from mina_api.ops.warming import Warmer


class Operations:
    """Started and closed by the lifespan, before its cache is closed; without Redis they are of this process alone."""

    def __init__(
        self, cache: CacheService, ledger: RedisLedger | None, warmer: Warmer, *, warms_on_start: bool = False
    ) -> None:
        self.cache = cache
        self.ledger = ledger
        self.invalidations = Invalidations()
        self.teller = Teller(cache, ledger, self.invalidations)
        self.watch = Watch(cache, ledger, self.teller)
        self.warmer = warmer
        self.log_levels = LogLevels(ledger, cache.clock)
        self._warms_on_start = warms_on_start
        self.inspector = Inspector(cache, ledger)
        cache.on_invalidation(self.invalidations.note)

    async def start(self) -> None:
        """Begin to tell, and to warm where that is wanted."""
        await self.teller.start()
        self.watch.start()
        self.log_levels.start()
        if self._warms_on_start:
            self.warmer.start()

    async def close(self) -> None:
        """Tell what is left."""
        await self.warmer.close()
        await self.log_levels.close()
        await self.watch.close()
        await self.teller.close()

    async def stats(self) -> Stats:
        """The figures of all workers; of this one while Redis is away."""
        try:
            told = await self.teller.read()
        except TierUnavailable:
            own, uptime = self.teller.own(), self.teller.uptime_seconds
            return stats_of(own, scope="this worker", since=None, uptime=uptime, workers=1)
        started = min((worker.started for worker in told.workers.values()), default=told.now)
        return stats_of(
            told.counts,
            scope="all workers",
            since=told.since,
            uptime=max(told.now - started, self.teller.uptime_seconds),
            workers=len(told.workers),
        )
