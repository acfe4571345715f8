"""All SQL of rooms: what changed in some sessions since they were last looked at, in one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import ARRAY, BigInteger, Select, bindparam, func, select, true

from mina_api.db.session import ReadSession
from mina_api.sessions.models import LiveDraft, LiveSegment, LiveSession, LiveSpeaker
from mina_api.sessions.recording.batch import Stored
from mina_api.sessions.rooms.room import Cursor, Named
from mina_api.transcripts.segments import Utterance

PAGE = 500

T = TypeVar("T")

_BIGINTS = ARRAY(BigInteger)
_STATES = select(
    LiveSession.id,
    LiveSession.meeting_id,
    LiveSession.status,
    LiveSession.started_at,
    LiveSession.position,
    LiveSession.draft_revision,
    LiveSession.speakers_version,
).where(LiveSession.id == func.any(bindparam("ids", type_=_BIGINTS)))
_given = (
    func.unnest(bindparam("ids", type_=_BIGINTS), bindparam("after", type_=_BIGINTS))
    .table_valued("session_id", "after", name="given")
    .render_derived()
)
_page = (
    select(LiveSegment)
    .where(LiveSegment.session_id == _given.c.session_id, LiveSegment.position > _given.c.after)
    .order_by(LiveSegment.position)
    .limit(PAGE)
    .lateral("page")
)
_FINALS = select(_page).select_from(_given.join(_page, true())).order_by(_page.c.session_id, _page.c.position)
_DRAFTS = (
    select(LiveDraft)
    .join(_given, (LiveDraft.session_id == _given.c.session_id) & (LiveDraft.revision > _given.c.after))
    .order_by(LiveDraft.revision)
)
_NAMES = (
    select(LiveSpeaker)
    .join(_given, (LiveSpeaker.session_id == _given.c.session_id) & (LiveSpeaker.version > _given.c.after))
    .order_by(LiveSpeaker.version, LiveSpeaker.label)
)


@dataclass(slots=True)
class Changes:
    """A session, and what of it comes after a cursor; `cursor` is where that leads to, `has_more` if not to the end."""

    session: Mapping[str, object]
    status: str
    cursor: Cursor
    has_more: bool = False
    finals: list[Stored] = field(default_factory=list)
    drafts: list[Stored] = field(default_factory=list)
    names: list[Named] = field(default_factory=list)


async def read_changes(session: ReadSession, cursors: Mapping[int, Cursor]) -> dict[int, Changes]:
    """What comes after each session's cursor; sessions that are no more are not in it.

    A cursor past the session's last position stands at that.
    """
    rows = (await session.execute(_STATES, {"ids": list(cursors)})).mappings().all()
    found = {
        row["id"]: Changes(
            dict(row), row["status"], Cursor(row["position"], row["draft_revision"], row["speakers_version"])
        )
        for row in rows
    }
    await _read_finals(session, cursors, found)
    newer = {
        each: cursors[each].revision for each, now in found.items() if now.cursor.revision > cursors[each].revision
    }
    for draft in await _scalars(session, _DRAFTS, newer):
        found[draft.session_id].drafts.append(_stored(draft, draft.revision))
    named = {
        each: cursors[each].speakers for each, now in found.items() if now.cursor.speakers > cursors[each].speakers
    }
    for speaker in await _scalars(session, _NAMES, named):
        found[speaker.session_id].names.append(Named(speaker.version, speaker.label, speaker.name))
    return found


async def _read_finals(session: ReadSession, cursors: Mapping[int, Cursor], found: Mapping[int, Changes]) -> None:
    behind = {
        each: cursors[each].position for each, now in found.items() if now.cursor.position > cursors[each].position
    }
    if not behind:
        return
    for row in (await session.execute(_FINALS, _after(behind))).all():
        said = Utterance(row.start_ms, row.end_ms, row.speaker, row.text)
        found[row.session_id].finals.append(
            Stored(row.session_id, row.position, row.user_id, row.connection_id, row.seq, said)
        )
    for each in behind:
        changes = found[each]
        if changes.finals and changes.finals[-1].place < changes.cursor.position:
            changes.has_more = True
            changes.cursor = Cursor(changes.finals[-1].place, changes.cursor.revision, changes.cursor.speakers)


async def _scalars(session: ReadSession, statement: Select[T], after: Mapping[int, int]) -> Sequence[T]:
    if not after:
        return ()
    return (await session.execute(statement, _after(after))).scalars().all()


def _after(after: Mapping[int, int]) -> dict[str, list[int]]:
    return {"ids": list(after), "after": list(after.values())}


def _stored(draft: LiveDraft, place: int) -> Stored:
    said = Utterance(draft.start_ms, draft.end_ms, draft.speaker, draft.text)
    return Stored(draft.session_id, place, draft.user_id, draft.connection_id, draft.seq, said)
