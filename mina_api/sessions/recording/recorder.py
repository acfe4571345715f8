"""Group commit: what comes from all connections of a worker within a few milliseconds goes into one transaction.

Batches follow each other, so that while one is committed the next one gathers; under load they grow by themselves.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from mina_api.cache.fastapi import PendingInvalidation
from mina_api.db.session import CommitHooks, Database
from mina_api.logs import get_logger
from mina_api.sessions.caching import session_tag, speakers_tag
from mina_api.sessions.recording import queries
from mina_api.sessions.recording.batch import Item, Lost, Plan, plan

logger = get_logger(__name__)

MOST_ITEMS = 500
MOST_SESSIONS_KNOWN = 1_000
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0)


class Recorder:
    """Stores what is submitted, in order, and tells each item's sender; `announce` is called after each commit."""

    def __init__(
        self,
        database: Database,
        hooks: Callable[[PendingInvalidation], CommitHooks],
        announce: Callable[[Plan], None],
        *,
        gather_seconds: float,
    ) -> None:
        self._database = database
        self._hooks = hooks
        self._announce = announce
        self._gather_seconds = gather_seconds
        self._items: list[Item] = []
        self._arrived = asyncio.Event()
        self._heard: dict[int, set[str]] = {}
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to record."""
        self._task = asyncio.create_task(self._run(), name="live recorder")

    async def close(self) -> None:
        """Record what was submitted, then end."""
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task

    def submit(self, item: Item) -> None:
        """Have an item stored soon."""
        self._items.append(item)
        self._arrived.set()

    async def _run(self) -> None:
        while self._items or not self._closing:
            await self._arrived.wait()
            if not self._closing and len(self._items) < MOST_ITEMS:
                await asyncio.sleep(self._gather_seconds)
            batch, self._items = self._items[:MOST_ITEMS], self._items[MOST_ITEMS:]
            if not self._items and not self._closing:
                self._arrived.clear()
            if batch:
                await self._record(batch)

    async def _record(self, batch: Sequence[Item]) -> None:
        """Store a batch; what is against the data of one session is kept from the others."""
        failure: Exception | None = None
        for wait in (0.0, *RETRY_SECONDS):
            await asyncio.sleep(wait)
            try:
                self._tell(await self._commit(batch))
                return
            except (DataError, IntegrityError, ProgrammingError) as mistake:
                failure = mistake
                break
            except Exception as outage:
                failure = outage
        if isinstance(failure, DataError | IntegrityError | ProgrammingError) and len(_sessions(batch)) > 1:
            for session_id in _sessions(batch):
                await self._record([item for item in batch if item.session_id == session_id])
            return
        logger.error("segments cannot be stored", count=len(batch), exc_info=failure)
        for item in batch:
            item.done(item.sent, Lost())

    def _tell(self, batch: Plan) -> None:
        try:
            for item, outcome in batch.outcomes:
                item.done(item.sent, outcome)
            self._announce(batch)
        except Exception:
            logger.exception("what was stored is not told: the rooms will find it")

    async def _commit(self, items: Sequence[Item]) -> Plan:
        pending = PendingInvalidation()
        async with self._database.write(self._hooks(pending)) as session:
            states = await queries.lock_sessions(session, _sessions(items))
            new = {item.session_id for item in items if item.sent.final and not self._is_heard(item)}
            for session_id, labels in (await queries.read_labels(session, new)).items() if new else ():
                if session_id in states:
                    states[session_id].labels = labels
            earlier = await queries.earlier_segments(session, list({item.key for item in items}))
            batch = plan(items, states, earlier)
            if batch.changed:
                await queries.write(session, batch, states)
            pending.add(*(session_tag(each) for each in batch.changed if states[each].is_cached))
            pending.add(*(speakers_tag(each) for each in {session_id for session_id, _ in batch.heard}))
        self._remember(batch)
        return batch

    def _is_heard(self, item: Item) -> bool:
        return item.sent.speaker in self._heard.get(item.session_id, ())

    def _remember(self, batch: Plan) -> None:
        """Note whose labels are stored, so that they are not asked for again."""
        for stored in batch.finals:
            self._heard.setdefault(stored.session_id, set()).add(stored.said.speaker)
        while len(self._heard) > MOST_SESSIONS_KNOWN:
            del self._heard[next(iter(self._heard))]


def _sessions(items: Iterable[Item]) -> list[int]:
    return list(dict.fromkeys(item.session_id for item in items))
