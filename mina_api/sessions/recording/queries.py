"""All SQL of recording: a few statements for a whole batch, whatever is in it."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ARRAY, BigInteger, bindparam, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from mina_api.db.session import WriteSession
from mina_api.sessions.models import LiveDraft, LiveSegment, LiveSession, LiveSpeaker
from mina_api.sessions.recording.batch import Key, Plan, SessionState, Stored
from mina_api.transcripts.segments import Utterance

_BIGINTS = ARRAY(BigInteger)
_SAID = ("speaker", "start_ms", "end_ms", "text")

_LOCK = (
    select(LiveSession.id, LiveSession.status, LiveSession.position, LiveSession.draft_revision, LiveSession.is_cached)
    .where(LiveSession.id == func.any(bindparam("ids", type_=_BIGINTS)))
    .order_by(LiveSession.id)
    .with_for_update(key_share=True)
)
_keys = func.unnest(
    bindparam("sessions", type_=_BIGINTS), bindparam("users", type_=_BIGINTS), bindparam("seqs", type_=_BIGINTS)
).table_valued("session_id", "user_id", "seq", name="given").render_derived()
_EARLIER = select(LiveSegment).join(
    _keys,
    (LiveSegment.session_id == _keys.c.session_id)
    & (LiveSegment.user_id == _keys.c.user_id)
    & (LiveSegment.seq == _keys.c.seq),
)
_LABELS = select(LiveSpeaker.session_id, LiveSpeaker.label).where(
    LiveSpeaker.session_id == func.any(bindparam("ids", type_=_BIGINTS)), LiveSpeaker.is_heard
)
_ADVANCE = text(
    "UPDATE live_sessions SET position = given.position, draft_revision = given.draft_revision, active_at = now(),"
    " is_cached = live_sessions.is_cached AND NOT given.id = ANY(:uncached)"
    " FROM unnest(:ids, :positions, :revisions) AS given (id, position, draft_revision)"
    " WHERE live_sessions.id = given.id"
).bindparams(
    bindparam("uncached", type_=_BIGINTS),
    bindparam("ids", type_=_BIGINTS),
    bindparam("positions", type_=_BIGINTS),
    bindparam("revisions", type_=_BIGINTS),
)
_FORGET_DRAFTS = text(
    "DELETE FROM live_drafts USING unnest(:sessions, :users, :seqs) AS given (session_id, user_id, seq)"
    " WHERE live_drafts.session_id = given.session_id AND live_drafts.user_id = given.user_id"
    " AND live_drafts.seq = given.seq"
).bindparams(*(bindparam(name, type_=_BIGINTS) for name in ("sessions", "users", "seqs")))


async def lock_sessions(session: WriteSession, ids: Collection[int]) -> dict[int, SessionState]:
    """The sessions' states, locked until the end of the transaction: in one order, so that no two batches deadlock."""
    rows = (await session.execute(_LOCK, {"ids": sorted(ids)})).all()
    return {row.id: SessionState(row.status, row.position, row.draft_revision, row.is_cached) for row in rows}


async def earlier_segments(session: WriteSession, keys: Sequence[Key]) -> list[Stored]:
    """The stored segments of these users under these numbers."""
    found = (await session.execute(_EARLIER, _columns(keys))).scalars()
    return [
        Stored(
            each.session_id,
            each.position,
            each.user_id,
            each.connection_id,
            each.seq,
            Utterance(each.start_ms, each.end_ms, each.speaker, each.text),
        )
        for each in found
    ]


async def read_labels(session: WriteSession, ids: Collection[int]) -> dict[int, set[str]]:
    """The labels that were heard in some sessions."""
    labels: dict[int, set[str]] = {each: set() for each in ids}
    for session_id, label in (await session.execute(_LABELS, {"ids": list(ids)})).all():
        labels[session_id].add(label)
    return labels


async def write(session: WriteSession, batch: Plan, states: Mapping[int, SessionState]) -> None:
    """Write what a batch came to."""
    if batch.finals:
        rows = [{**_row(each), "position": each.place} for each in batch.finals]
        await session.execute(insert(LiveSegment.__table__), rows)  # type: ignore[arg-type]
        await session.execute(_FORGET_DRAFTS, _columns(batch.finished))
    if batch.drafts:
        await _write_drafts(session, list(batch.drafts.values()))
    if batch.heard:
        await _write_heard(session, batch)
    changed = sorted(batch.changed)
    await session.execute(
        _ADVANCE,
        {
            "ids": changed,
            "positions": [states[each].position for each in changed],
            "revisions": [states[each].draft_revision for each in changed],
            "uncached": [each for each in changed if states[each].is_cached],
        },
    )


async def _write_drafts(session: WriteSession, drafts: Sequence[Stored]) -> None:
    given = upsert(LiveDraft).values([{**_row(each), "revision": each.place} for each in drafts])
    new = {name: given.excluded[name] for name in (*_SAID, "connection_id", "revision")}
    await session.execute(given.on_conflict_do_update(index_elements=["session_id", "user_id", "seq"], set_=new))


async def _write_heard(session: WriteSession, batch: Plan) -> None:
    rows = [{"session_id": each, "label": label, "is_heard": True, "version": 0} for each, label in sorted(batch.heard)]
    given = upsert(LiveSpeaker).values(rows)
    heard = given.on_conflict_do_update(index_elements=["session_id", "label"], set_={"is_heard": True})
    await session.execute(heard)


def _row(stored: Stored) -> dict[str, object]:
    said = stored.said
    return {
        "session_id": stored.session_id,
        "user_id": stored.user_id,
        "connection_id": stored.connection_id,
        "seq": stored.seq,
        "speaker": said.speaker,
        "start_ms": said.start_ms,
        "end_ms": said.end_ms,
        "text": said.text,
    }


def _columns(keys: Sequence[Key]) -> dict[str, list[int]]:
    return {
        "sessions": [each[0] for each in keys],
        "users": [each[1] for each in keys],
        "seqs": [each[2] for each in keys],
    }
