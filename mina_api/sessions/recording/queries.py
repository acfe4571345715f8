"""All SQL of recording: a few statements for a whole batch, whatever is in it."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert

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
_keys = (
    func.unnest(
        bindparam("sessions", type_=_BIGINTS), bindparam("users", type_=_BIGINTS), bindparam("seqs", type_=_BIGINTS)
    )
    .table_valued("session_id", "user_id", "seq", name="given")
    .render_derived()
)
_EARLIER = select(LiveSegment).join(
    _keys,
    (LiveSegment.session_id == _keys.c.session_id)
    & (LiveSegment.user_id == _keys.c.user_id)
    & (LiveSegment.seq == _keys.c.seq),
)
_LABELS = select(LiveSpeaker.session_id, LiveSpeaker.label).where(
    LiveSpeaker.session_id == func.any(bindparam("ids", type_=_BIGINTS)), LiveSpeaker.is_heard
)
# One statement for what every batch writes, since each round trip is time in which the sessions are locked.
_WRITE = text(
    "WITH stored AS ("
    " INSERT INTO live_segments (session_id, position, user_id, connection_id, seq, speaker, start_ms, end_ms, text)"
    " SELECT * FROM unnest(:sessions, :places, :users, :connections, :seqs, :speakers, :starts, :ends, :texts)"
    "), forgotten AS ("
    " DELETE FROM live_drafts USING unnest(:sessions, :users, :seqs) AS final (session_id, user_id, seq)"
    " WHERE live_drafts.session_id = final.session_id AND live_drafts.user_id = final.user_id"
    " AND live_drafts.seq = final.seq"
    ") UPDATE live_sessions SET position = given.position, draft_revision = given.draft_revision, active_at = now(),"
    " is_cached = live_sessions.is_cached AND NOT given.id = ANY(:uncached)"
    " FROM unnest(:ids, :positions, :revisions) AS given (id, position, draft_revision)"
    " WHERE live_sessions.id = given.id"
).bindparams(
    *(
        bindparam(name, type_=_BIGINTS)
        for name in (
            *("sessions", "places", "users", "connections", "seqs", "starts", "ends"),
            *("ids", "positions", "revisions", "uncached"),
        )
    ),
    *(bindparam(name, type_=ARRAY(Text)) for name in ("speakers", "texts")),
)


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
    changed = sorted(batch.changed)
    finals = batch.finals
    await session.execute(
        _WRITE,
        {
            "sessions": [each.session_id for each in finals],
            "places": [each.place for each in finals],
            "users": [each.user_id for each in finals],
            "connections": [each.connection_id for each in finals],
            "seqs": [each.seq for each in finals],
            "speakers": [each.said.speaker for each in finals],
            "starts": [each.said.start_ms for each in finals],
            "ends": [each.said.end_ms for each in finals],
            "texts": [each.said.text for each in finals],
            "ids": changed,
            "positions": [states[each].position for each in changed],
            "revisions": [states[each].draft_revision for each in changed],
            "uncached": [each for each in changed if states[each].is_cached],
        },
    )
    if batch.drafts:
        await _write_drafts(session, list(batch.drafts.values()))
    if batch.heard:
        await _write_heard(session, batch)


async def _write_drafts(session: WriteSession, drafts: Sequence[Stored]) -> None:
    given = insert(LiveDraft).values(
        [
            {
                "session_id": each.session_id,
                "user_id": each.user_id,
                "connection_id": each.connection_id,
                "seq": each.seq,
                "revision": each.place,
                "speaker": each.said.speaker,
                "start_ms": each.said.start_ms,
                "end_ms": each.said.end_ms,
                "text": each.said.text,
            }
            for each in drafts
        ]
    )
    new = {name: given.excluded[name] for name in (*_SAID, "connection_id", "revision")}
    await session.execute(given.on_conflict_do_update(index_elements=["session_id", "user_id", "seq"], set_=new))


async def _write_heard(session: WriteSession, batch: Plan) -> None:
    rows = [{"session_id": each, "label": label, "is_heard": True, "version": 0} for each, label in sorted(batch.heard)]
    given = insert(LiveSpeaker).values(rows)
    heard = given.on_conflict_do_update(index_elements=["session_id", "label"], set_={"is_heard": True})
    await session.execute(heard)


def _columns(keys: Sequence[Key]) -> dict[str, list[int]]:
    return {
        "sessions": [each[0] for each in keys],
        "users": [each[1] for each in keys],
        "seqs": [each[2] for each in keys],
    }
