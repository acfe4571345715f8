"""All SQL of sessions as HTTP asks for them: states, tickets, speakers, what was said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from mina_api.db.session import ReadSession, WriteSession
from mina_api.sessions.models import LiveDraft, LiveSegment, LiveSession, LiveSpeaker, LiveTicket, SessionStatus

PAGE_ROWS = 2_000
SWEEPING = 7_216_054_912


class Said(NamedTuple):
    """A final segment: its place, and what it says."""

    position: int
    speaker: str
    start_ms: int
    end_ms: int
    text: str


async def find_session(session: ReadSession, workspace_id: int, session_id: int) -> LiveSession | None:
    """A session of this workspace."""
    statement = select(LiveSession).where(LiveSession.id == session_id, LiveSession.workspace_id == workspace_id)
    return (await session.execute(statement)).scalar_one_or_none()


async def lock_session(session: WriteSession, workspace_id: int, session_id: int) -> LiveSession | None:
    """A session of this workspace, locked until the end of the transaction and as it is now."""
    statement = (
        select(LiveSession)
        .where(LiveSession.id == session_id, LiveSession.workspace_id == workspace_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def find_open_session(session: ReadSession, meeting_id: int) -> LiveSession | None:
    """The session of a meeting that has not ended."""
    statement = select(LiveSession).where(
        LiveSession.meeting_id == meeting_id, LiveSession.status != SessionStatus.ENDED
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def mark_cached(session: WriteSession, session_id: int) -> None:
    """Have the next one who stores a segment invalidate what is made of the session after this commit."""
    unmarked = update(LiveSession).where(LiveSession.id == session_id, LiveSession.is_cached.is_(False))
    await session.execute(unmarked.values(is_cached=True))


async def read_segments(session: ReadSession, session_id: int) -> list[Said]:
    """What was said, in order; fetched in pages, between which others have the event loop."""
    statement = (
        select(LiveSegment.position, LiveSegment.speaker, LiveSegment.start_ms, LiveSegment.end_ms, LiveSegment.text)
        .where(LiveSegment.session_id == session_id)
        .order_by(LiveSegment.position)
    )
    rows = await session.stream(statement.execution_options(yield_per=PAGE_ROWS))
    return [Said(*row) async for page in rows.partitions() for row in page]


async def delete_drafts(session: WriteSession, session_id: int) -> None:
    """Forget what was not said in the end."""
    await session.execute(delete(LiveDraft).where(LiveDraft.session_id == session_id))


# Speakers


async def list_speakers(session: ReadSession, session_id: int) -> Sequence[LiveSpeaker]:
    """Everybody who was heard or has a profile, by label."""
    known = LiveSpeaker.is_heard | LiveSpeaker.name.is_not(None) | LiveSpeaker.email.is_not(None)
    statement = select(LiveSpeaker).where(LiveSpeaker.session_id == session_id, known).order_by(LiveSpeaker.label)
    return (await session.execute(statement)).scalars().all()


@dataclass(frozen=True, slots=True)
class Profile:
    """What is told of a label."""

    label: str
    name: str | None
    email: str | None


async def store_profiles(session: WriteSession, live: LiveSession, profiles: Sequence[Profile]) -> None:
    """Set the profiles of some labels of a locked session, as its next version."""
    live.speakers_version += 1
    await session.flush()
    if not profiles:
        return
    given = insert(LiveSpeaker).values(
        [
            {
                "session_id": live.id,
                "label": each.label,
                "name": each.name,
                "email": each.email,
                "version": live.speakers_version,
            }
            for each in profiles
        ]
    )
    new = {name: given.excluded[name] for name in ("name", "email", "version")}
    await session.execute(given.on_conflict_do_update(index_elements=["session_id", "label"], set_=new))


# Tickets


async def take_ticket(session: WriteSession, digest: bytes, session_id: int, now: datetime) -> LiveTicket | None:
    """The ticket to a session, if it was not used and has not expired; nobody gets it again."""
    taken = delete(LiveTicket).where(
        LiveTicket.digest == digest, LiveTicket.session_id == session_id, LiveTicket.expires_at > now
    )
    return (await session.execute(taken.returning(LiveTicket))).scalar_one_or_none()


async def delete_expired_tickets(session: WriteSession, now: datetime) -> None:
    """Forget the tickets that nobody used."""
    await session.execute(delete(LiveTicket).where(LiveTicket.expires_at <= now))


# Sweeping


async def may_sweep(session: WriteSession) -> bool:
    """Whether this transaction is the one that sweeps, until it ends."""
    return bool((await session.execute(select(func.pg_try_advisory_xact_lock(SWEEPING)))).scalar_one())


async def next_to_end(
    session: WriteSession, *, idle_seconds: float, ending_seconds: float, but: Sequence[int]
) -> LiveSession | None:
    """A session that is idle for so long, or whose end was begun so long ago and not finished; locked as it is now."""

    def before(seconds: float) -> ColumnElement[datetime]:
        return func.now() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)

    idle = (LiveSession.status == SessionStatus.LIVE) & (LiveSession.active_at < before(idle_seconds))
    left = (LiveSession.status == SessionStatus.ENDING) & (LiveSession.active_at < before(ending_seconds))
    statement = (
        select(LiveSession)
        .where(LiveSession.status != SessionStatus.ENDED, idle | left, LiveSession.id.not_in(but))
        .order_by(LiveSession.active_at)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def read_session(session: ReadSession, session_id: int) -> LiveSession | None:
    """A session, whosesoever."""
    return await session.get(LiveSession, session_id)
