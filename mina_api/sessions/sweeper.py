"""Ending what nobody ends: sessions in which nothing is said any more, and ends that a crash left half done."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mina_api.background import Background
from mina_api.cache.fastapi import PendingInvalidation
from mina_api.db.session import CommitHooks, Database
from mina_api.logs import get_logger
from mina_api.meetings.caching import changed_meeting
from mina_api.sessions import queries, service
from mina_api.sessions.caching import session_tag
from mina_api.sessions.fingerprints.queries import delete_expired
from mina_api.sessions.models import SessionStatus
from mina_api.transcripts.observers import TranscriptObserver
from mina_api.web.clock import Clock

logger = get_logger(__name__)

# An end in progress takes its transaction's time; after this long whoever began it is gone.
ENDING_SECONDS = 10.0


class Sweeper:
    """Sweeps now and then, on one worker of all at a time: who holds the advisory lock of the sweep's transaction."""

    def __init__(
        self,
        database: Database,
        hooks: Callable[[PendingInvalidation], CommitHooks],
        observers: Sequence[TranscriptObserver],
        clock: Clock,
        tell: Callable[[int], None],
        *,
        idle_seconds: float,
        period_seconds: float,
    ) -> None:
        self._database = database
        self._hooks = hooks
        self._observers = observers
        self._clock = clock
        self._tell = tell
        self._idle_seconds = idle_seconds
        self._period_seconds = period_seconds
        self._work = Background("live sweeper")

    def start(self) -> None:
        """Begin to sweep."""
        self._work.start(self._run())

    async def close(self) -> None:
        """End it; a session that is being ended is left to the next sweeper."""
        await self._work.close()

    async def sweep(self) -> list[int]:
        """End what is to be ended, one session in a transaction; their ids. None where another worker sweeps."""
        ended: list[int] = []
        failed: list[int] = []
        while (session_id := await self._due([*ended, *failed])) is not None:
            try:
                if await self._end(session_id):
                    ended.append(session_id)
                    self._tell(session_id)
                    continue
            except Exception:
                logger.exception("a session cannot be ended", session=session_id)
            failed.append(session_id)
        return ended

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._period_seconds)
            try:
                await self.sweep()
                await self.forget()
            except Exception as failure:
                logger.warning("sweeping failed", cause=type(failure).__name__)

    async def _due(self, but: Sequence[int]) -> int | None:
        """A session to end, which takes no more segments from here on."""
        pending = PendingInvalidation()
        async with self._database.write(self._hooks(pending)) as session:
            if not await queries.may_sweep(session):
                return None
            live = await queries.next_to_end(
                session, idle_seconds=self._idle_seconds, ending_seconds=ENDING_SECONDS, but=but
            )
            if live is None:
                return None
            live.status = SessionStatus.ENDING
            pending.add(session_tag(live.id))
        return live.id

    async def _end(self, session_id: int) -> bool:
        """Whether this made the transcript: not if somebody else did, or sweeps now."""
        pending = PendingInvalidation()
        async with self._database.write(self._hooks(pending)) as session:
            if not await queries.may_sweep(session):
                return False
            live = await queries.read_session(session, session_id)
            if live is None or not await service.finish_end(session, self._observers, live, self._now()):
                return False
            pending.add(session_tag(session_id), *changed_meeting(live.workspace_id, live.meeting_id))
        return True

    async def forget(self) -> None:
        """Delete what has expired."""
        async with self._database.write() as session:
            await queries.delete_expired_tickets(session, self._now())
            await delete_expired(session, self._now())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)
