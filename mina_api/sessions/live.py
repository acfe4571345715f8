"""A worker's part in live sessions: its recorder, its rooms, and its turn at sweeping."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redis.asyncio import BlockingConnectionPool

from mina_api.cache.fastapi import PendingInvalidation
from mina_api.db.session import CommitHooks, Database
from mina_api.sessions.recording.recorder import Recorder
from mina_api.sessions.rooms import Rooms
from mina_api.sessions.sweeper import Sweeper
from mina_api.sessions.wakeups import FailoverWakeups, PostgresWakeups, RedisWakeups, Wakeups
from mina_api.transcripts.observers import TranscriptObserver
from mina_api.web.clock import Clock

PUBLISHING_CONNECTIONS = 4
# Each takes a connection to Postgres: however many come with whatever tickets, requests have the rest of the pool.
ADMISSIONS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """Settings of live sessions; times in seconds. `database_url` is Postgres's own, for LISTEN.

    `most_connections`: of one user in this worker. `most_messages`, `most_bytes`: what may wait for one reader.
    `gather_seconds`: how long a batch waits for more.
    `idle_seconds`: how long nothing is said before a session is ended; `sweep_seconds`: how often that is looked at.
    """

    database_url: str
    redis_timeout_seconds: float = 0.25
    database_timeout_seconds: float = 5.0
    most_connections: int = 100
    most_messages: int = 1_000
    most_bytes: int = 1024 * 1024
    gather_seconds: float = 0.01
    idle_seconds: float = 7_200.0
    sweep_seconds: float = 30.0


class Live:
    """Everything of it that runs; owned by the lifespan that starts it."""

    def __init__(
        self,
        config: LiveConfig,
        database: Database,
        hooks: Callable[[PendingInvalidation], CommitHooks],
        observers: Sequence[TranscriptObserver],
        clock: Clock,
        redis_pool: Callable[[int], BlockingConnectionPool] | None,
    ) -> None:
        self.config = config
        self.hooks = hooks
        self.entrance = asyncio.Semaphore(ADMISSIONS_AT_ONCE)
        self.rooms = Rooms(database, _wakeups(config, redis_pool), clock)
        self.recorder = Recorder(database, hooks, self.rooms.announce, gather_seconds=config.gather_seconds)
        self._sweeper = Sweeper(
            database,
            hooks,
            observers,
            clock,
            self.rooms.tell,
            idle_seconds=config.idle_seconds,
            period_seconds=config.sweep_seconds,
        )

    async def start(self) -> None:
        """Start all."""
        await self.rooms.start()
        self.recorder.start()
        self._sweeper.start()

    async def tell(self, session_id: int) -> None:
        """Have every worker look at a session, which has changed."""
        self.rooms.tell(session_id)

    async def close(self) -> None:
        """End all; what was received is stored first."""
        await self._sweeper.close()
        await self.recorder.close()
        await self.rooms.close()


def _wakeups(config: LiveConfig, redis_pool: Callable[[int], BlockingConnectionPool] | None) -> Wakeups:
    by_postgres = PostgresWakeups(config.database_url, timeout_seconds=config.database_timeout_seconds)
    if redis_pool is None:
        return by_postgres
    by_redis = RedisWakeups(redis_pool(PUBLISHING_CONNECTIONS), timeout_seconds=config.redis_timeout_seconds)
    return FailoverWakeups(by_redis, by_postgres)
