"""What a batch of segments comes to, decided without I/O: where each is stored, or why it is not."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from mina_api.sessions.messages import SegmentSent
from mina_api.sessions.models import SessionStatus
from mina_api.transcripts.formats.limits import MAX_SEGMENTS, MAX_SPEAKERS, milliseconds
from mina_api.transcripts.segments import Utterance

Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Kept:
    """It is durable: a final segment at `position`, a draft at none."""

    position: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not kept, and sending it again would not help."""

    detail: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Whether it is kept is not known: it should be sent again, over another connection."""


Outcome = Kept | Refused | Lost


@dataclass(frozen=True, slots=True)
class Item:
    """A segment that came over a connection; `done` is told what became of it."""

    session_id: int
    user_id: int
    connection_id: int
    sent: SegmentSent
    done: Callable[[SegmentSent, Outcome], None]

    @property
    def key(self) -> Key:
        """What a repeat of it is looked for by."""
        return self.session_id, self.user_id, self.sent.seq


@dataclass(frozen=True, slots=True)
class Stored:
    """A final segment (`place` is its position) or a draft (`place` is its revision), as it is stored and told."""

    session_id: int
    place: int
    user_id: int
    connection_id: int
    seq: int
    said: Utterance


@dataclass(slots=True)
class SessionState:
    """A locked session's row, as far as the batch has come; `labels` None: the batch names none that is new."""

    status: str
    position: int
    draft_revision: int
    is_cached: bool
    labels: set[str] | None = None


@dataclass(slots=True)
class Plan:
    """What is to be written, and what each item's sender is told once it is."""

    finals: list[Stored] = field(default_factory=list)
    drafts: dict[Key, Stored] = field(default_factory=dict)
    heard: set[tuple[int, str]] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    outcomes: list[tuple[Item, Outcome]] = field(default_factory=list)


def plan(items: Sequence[Item], states: dict[int, SessionState], earlier: Iterable[Stored]) -> Plan:
    """Decide a batch, in its order; `earlier` are the stored segments that items may repeat."""
    batch = Plan()
    known: dict[Key, list[Stored]] = {}
    for each in earlier:
        known.setdefault((each.session_id, each.user_id, each.seq), []).append(each)
    for item in items:
        batch.outcomes.append((item, _decide(item, states.get(item.session_id), known, batch)))
    return batch


def _decide(item: Item, state: SessionState | None, known: dict[Key, list[Stored]], batch: Plan) -> Outcome:
    if state is None or state.status != SessionStatus.LIVE:
        return Refused("The session has ended." if state else "There is no such session.")
    said = _said(item.sent)
    repeated = _repeated(item, said, known.get(item.key, ()))
    if repeated is not None:
        return Kept(repeated.place if item.sent.final else None)
    if not item.sent.final:
        state.draft_revision += 1
        batch.drafts[item.key] = _stored(item, said, state.draft_revision)
        batch.changed.add(item.session_id)
        return Kept(None)
    if state.position >= MAX_SEGMENTS:
        return Refused(f"A session has at most {MAX_SEGMENTS} segments.")
    if state.labels is not None and said.speaker not in state.labels:
        if len(state.labels) >= MAX_SPEAKERS:
            return Refused(f"A session has at most {MAX_SPEAKERS} speakers.")
        state.labels.add(said.speaker)
        batch.heard.add((item.session_id, said.speaker))
    state.position += 1
    stored = _stored(item, said, state.position)
    batch.finals.append(stored)
    batch.drafts.pop(item.key, None)
    batch.changed.add(item.session_id)
    known.setdefault(item.key, []).append(stored)
    return Kept(stored.place)


def _said(sent: SegmentSent) -> Utterance:
    return Utterance(milliseconds(sent.start), milliseconds(sent.end), sent.speaker, sent.text)


def _repeated(item: Item, said: Utterance, earlier: Iterable[Stored]) -> Stored | None:
    """The stored segment that an item repeats: of the same connection, or, sent again over another, saying the same.

    Another connection of the same user that says something else under the same number is another sender.
    """
    return next((each for each in earlier if each.connection_id == item.connection_id or each.said == said), None)


def _stored(item: Item, said: Utterance, place: int) -> Stored:
    return Stored(item.session_id, place, item.user_id, item.connection_id, item.sent.seq, said)
