"""A session's listeners in this worker, and how far they have been told: pure state, no I/O."""

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mina_api.sessions import messages
from mina_api.sessions.rooms.listener import Listener

MOST_WAITING = 5_000
MOST_DRAFTS_KNOWN = 1_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far of a session somebody knows: its final segments, drafts and speakers."""

    position: int
    revision: int
    speakers: int


@dataclass(frozen=True, slots=True)
class Final:
    """A final segment as it is told; `wire` is the message."""

    position: int
    connection_id: int
    seq: int
    wire: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it is told."""

    revision: int
    connection_id: int
    seq: int
    wire: str


@dataclass(frozen=True, slots=True)
class Named:
    """A speaker's name as of a version of the session's speakers."""

    version: int
    label: str
    name: str | None


class Room:
    """Tells its listeners each final segment once, by position; what comes early waits for what is missing."""

    def __init__(self, session_id: int) -> None:
        self.session_id = session_id
        self.listeners: set[Listener] = set()
        self._position: int | None = None
        self._seen_revision = 0
        self._read_revision = 0
        self._speakers = 0
        self._waiting: dict[int, Final] = {}
        self._drafts: OrderedDict[tuple[int, int], float] = OrderedDict()

    @property
    def cursor(self) -> Cursor | None:
        """What has been told; None before the first listener knows where it stands."""
        if self._position is None:
            return None
        return Cursor(self._position, self._read_revision, self._speakers)

    @property
    def has_gap(self) -> bool:
        """Whether something waits for what has not come."""
        return bool(self._waiting) and self._position is not None

    def admit(self, listener: Listener, at: Cursor) -> bool:
        """Take in a listener who knows all up to `at`; False where the room is past that: it has to read again."""
        if self._position is None:
            self._position, self._seen_revision, self._speakers = at.position, at.revision, at.speakers
            self._read_revision = at.revision
        elif self._position > at.position or self._seen_revision > at.revision or self._speakers > at.speakers:
            return False
        listener.position = at.position
        self.listeners.add(listener)
        self._tell_in_order()
        return True

    def offer(self, finals: Iterable[Final], drafts: Iterable[Draft]) -> None:
        """Tell what is next in order, and what is new of the drafts."""
        for draft in drafts:
            self._offer_draft(draft)
        for final in finals:
            if self._position is None or final.position > self._position:
                self._waiting[final.position] = final
        self._tell_in_order()
        if len(self._waiting) > MOST_WAITING:
            self._waiting.clear()

    def offer_read(self, at: Cursor, finals: Sequence[Final], drafts: Iterable[Draft], names: Iterable[Named]) -> None:
        """Tell what was read in Postgres up to `at`."""
        self.offer(finals, drafts)
        for each in names:
            if each.version > self._speakers:
                self._tell_name(each)
        self._read_revision = max(self._read_revision, at.revision)
        self._speakers = max(self._speakers, at.speakers)

    def _offer_draft(self, draft: Draft) -> None:
        key = (draft.connection_id, draft.seq)
        if draft.revision <= self._drafts.get(key, 0):
            return
        self._know(key, draft.revision)
        self._seen_revision = max(self._seen_revision, draft.revision)
        for listener in self.listeners:
            if listener.connection_id != draft.connection_id:
                listener.send(draft.wire)

    def _tell_in_order(self) -> None:
        while self._position is not None and (final := self._waiting.pop(self._position + 1, None)) is not None:
            self._position += 1
            self._know((final.connection_id, final.seq), math.inf)
            for listener in self.listeners:
                if listener.position < final.position:
                    listener.position = final.position
                    if listener.connection_id != final.connection_id:
                        listener.send(final.wire)

    def _tell_name(self, named: Named) -> None:
        wire = messages.speaker(named.label, named.name)
        for listener in self.listeners:
            if named.version not in listener.own_speakers:
                listener.send(wire)

    def _know(self, key: tuple[int, int], revision: float) -> None:
        self._drafts[key] = revision
        self._drafts.move_to_end(key)
        if len(self._drafts) > MOST_DRAFTS_KNOWN:
            self._drafts.popitem(last=False)
