"""All rooms of a worker: told by what its own recorder stores, by wakeups of others, and by looking into Postgres.

Postgres alone says what was said, and in which order. A wakeup saves the look; one that is lost costs half a second.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator

from mina_api.db.session import Database
from mina_api.logs import get_logger
from mina_api.sessions.models import SessionStatus
from mina_api.sessions.recording.batch import Plan, Stored
from mina_api.sessions.rooms.doorkeeper import Doorkeeper
from mina_api.sessions.rooms.listener import Closing, Listener
from mina_api.sessions.rooms.publisher import Publisher
from mina_api.sessions.rooms.queries import Changes, read_changes
from mina_api.sessions.rooms.room import Cursor, Room
from mina_api.sessions.rooms.wire import draft_of, final_of, pack, unpack
from mina_api.sessions.wakeups import Wakeups
from mina_api.web.clock import Clock

logger = get_logger(__name__)

LOOK_SECONDS = 0.5
DEAF_SECONDS = 0.1
# What one worker stored may be told before what another stored just before it: it is on its way.
GRACE_SECONDS = 0.03

ENDED = Closing(1000, "The session has ended.", at_once=False)
GONE = Closing(4404, "There is no such session any more.")


class Rooms:
    """The rooms that somebody is in, and the tasks that keep them current."""

    def __init__(self, database: Database, wakeups: Wakeups, clock: Clock) -> None:
        self._database = database
        self._wakeups = wakeups
        self._publisher = Publisher(wakeups)
        self._doorkeeper = Doorkeeper(database, clock)
        self._rooms: dict[int, Room] = {}
        self._present: dict[int, int] = {}
        self._connections_of: Counter[int] = Counter()
        self._wanted: set[int] = set()
        self._news = asyncio.Event()
        self._is_blind = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to listen and to look."""
        await self._wakeups.start(self)
        self._publisher.start()
        self._tasks = [
            asyncio.create_task(self._look_on(), name="live rooms"),
            asyncio.create_task(self._doorkeeper.run(), name="live permissions"),
        ]

    async def close(self) -> None:
        """End both."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._publisher.close()
        await self._wakeups.close()

    # Coming and going

    @contextlib.contextmanager
    def entered(self, session_id: int, listener: Listener) -> Iterator[Room]:
        """The session's room, which `listener` leaves after the block; it still has to be admitted."""
        room = self._rooms.setdefault(session_id, Room(session_id))
        self._present[session_id] = self._present.get(session_id, 0) + 1
        self._connections_of[listener.participant.user_id] += 1
        self._doorkeeper.present.add(listener)
        self._wakeups.subscribe(str(session_id))
        try:
            yield room
        finally:
            self._doorkeeper.present.discard(listener)
            self._connections_of[listener.participant.user_id] -= 1
            if not self._connections_of[listener.participant.user_id]:
                del self._connections_of[listener.participant.user_id]
            room.listeners.discard(listener)
            self._present[session_id] -= 1
            if not self._present[session_id]:
                del self._present[session_id], self._rooms[session_id]
                self._wakeups.unsubscribe(str(session_id))

    def connections_of(self, user_id: int) -> int:
        """How many of a user are in this worker's rooms."""
        return self._connections_of[user_id]

    async def read(self, session_id: int, after: Cursor) -> Changes | None:
        """What comes after a cursor; None where the session is no more."""
        async with self._database.read() as session:
            return (await read_changes(session, {session_id: after})).get(session_id)

    # Telling

    def announce(self, batch: Plan) -> None:
        """Tell this worker's listeners, and the other workers, what was stored."""
        finals: dict[int, list[Stored]] = {}
        drafts: dict[int, list[Stored]] = {}
        for stored in batch.finals:
            finals.setdefault(stored.session_id, []).append(stored)
        for stored in batch.drafts.values():
            drafts.setdefault(stored.session_id, []).append(stored)
        for session_id in batch.changed:
            told = (
                [final_of(each) for each in finals.get(session_id, ())],
                [draft_of(each) for each in drafts.get(session_id, ())],
            )
            if (room := self._rooms.get(session_id)) is not None:
                room.offer(*told)
                self._mind_gap(room)
            self._publisher.publish(str(session_id), pack(*told))

    def tell(self, session_id: int) -> None:
        """Have all workers look at a session that has changed."""
        self._want(session_id)
        self._publisher.publish(str(session_id), "")

    def heard(self, channel: str, payload: str) -> None:
        """A wakeup; what is none has us look at the database, as an empty one."""
        room = self._rooms.get(int(channel)) if channel.isdecimal() else None
        if room is None:
            return
        try:
            told = unpack(payload) if payload else None
        except ValueError:
            logger.warning("a wakeup that is none", session=room.session_id)
            told = None
        if told is None:
            self._want(room.session_id)
            return
        room.offer(*told)
        self._mind_gap(room)

    def missed(self) -> None:
        """Wakeups may have been lost."""
        self._wanted.update(self._rooms)
        self._news.set()

    def _mind_gap(self, room: Room) -> None:
        if room.has_gap:
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._fill_gap, room)

    def _fill_gap(self, room: Room) -> None:
        if room.has_gap and self._rooms.get(room.session_id) is room:
            self._want(room.session_id)

    def _want(self, session_id: int) -> None:
        self._wanted.add(session_id)
        self._news.set()

    # Looking

    async def _look_on(self) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            period = LOOK_SECONDS if self._wakeups.is_hearing else DEAF_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(last + period):
                    await self._news.wait()
            self._news.clear()
            wanted, self._wanted = self._wanted, set()
            if loop.time() >= last + period:
                last, wanted = loop.time(), set(self._rooms)
            await self._look(wanted)

    async def _look(self, wanted: Iterable[int]) -> None:
        """Tell what Postgres knows beyond what was told."""
        cursors = {each: room.cursor for each in wanted if (room := self._rooms.get(each)) is not None}
        known = {each: cursor for each, cursor in cursors.items() if cursor is not None}
        if not known:
            return
        try:
            async with self._database.read() as session:
                found = await read_changes(session, known)
        except Exception as failure:
            if not self._is_blind:
                logger.warning("the rooms cannot look", cause=type(failure).__name__)
            self._is_blind = True
            return
        self._is_blind = False
        for session_id in known:
            if (room := self._rooms.get(session_id)) is not None:
                self._tell_read(room, found.get(session_id))

    def _tell_read(self, room: Room, changes: Changes | None) -> None:
        if changes is None:
            _close_all(room, GONE)
            return
        finals = [final_of(each) for each in changes.finals]
        room.offer_read(changes.cursor, finals, (draft_of(each) for each in changes.drafts), changes.names)
        if changes.has_more:
            self._want(room.session_id)
        elif changes.status == SessionStatus.ENDED:
            _close_all(room, ENDED)


def _close_all(room: Room, closing: Closing) -> None:
    for listener in room.listeners:
        listener.close(closing)
