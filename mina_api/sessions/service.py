"""Decisions about live sessions: one at a time for a meeting, ended once, by whoever comes to it first."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from mina_api.auth.dependencies import CurrentUser
from mina_api.db.session import ReadSession, WriteSession
from mina_api.errors import Conflict, NotFound
from mina_api.meetings.models import Meeting, MeetingStatus
from mina_api.meetings.service import change_meeting, lock_meeting
from mina_api.sessions import queries
from mina_api.sessions.models import LiveSession, LiveTicket, SessionStatus
from mina_api.sessions.queries import Profile, Said
from mina_api.transcripts.observers import TranscriptObserver
from mina_api.transcripts.segments import Utterance
from mina_api.transcripts.service import replace_transcript

TICKET_SECONDS = 30


async def create_session(session: WriteSession, viewer: CurrentUser, meeting_id: int, now: datetime) -> LiveSession:
    """A session of a meeting, which is live from now on; raises NotFound, or Conflict where it cannot be."""
    meeting = await lock_meeting(session, viewer.workspace_id, meeting_id, None)
    if meeting.status == MeetingStatus.CANCELLED:
        raise Conflict("The meeting is cancelled.")
    live = LiveSession(workspace_id=viewer.workspace_id, meeting_id=meeting_id, started_at=now)
    session.add(live)
    try:
        await session.flush()
    except IntegrityError:
        raise Conflict("The meeting has a live session already: end that one first.") from None
    await session.refresh(live)
    fields: dict[str, object] = {"status": MeetingStatus.LIVE, "ended_at": None}
    if meeting.started_at is None or meeting.status == MeetingStatus.SCHEDULED:
        fields["started_at"] = now
    await change_meeting(session, meeting, fields)
    return live


async def get_session(session: ReadSession, workspace_id: int, session_id: int) -> LiveSession:
    """A session of this workspace; raises NotFound."""
    return _known(await queries.find_session(session, workspace_id, session_id))


async def lock_session(session: WriteSession, workspace_id: int, session_id: int) -> LiveSession:
    """A session of this workspace to change, locked; raises NotFound."""
    return _known(await queries.lock_session(session, workspace_id, session_id))


async def begin_end(session: WriteSession, workspace_id: int, session_id: int) -> bool:
    """Let a session take no more segments; whether it did until now. Raises NotFound.

    It has a transaction of its own, so that nobody who stores segments waits while the transcript is made; who
    ends it after a crash here finds it ending.
    """
    live = await lock_session(session, workspace_id, session_id)
    if live.status != SessionStatus.LIVE:
        return False
    live.status = SessionStatus.ENDING
    return True


async def finish_end(
    session: WriteSession, observers: Sequence[TranscriptObserver], live: LiveSession, now: datetime
) -> bool:
    """Make an ending session's transcript the meeting's, with all that is derived of it; whether it was not yet.

    Those who end it at once take turns at the meeting. One in which nothing was said leaves the transcript as it is.
    """
    meeting = await lock_meeting(session, live.workspace_id, live.meeting_id, None)
    await session.refresh(live)
    if live.status == SessionStatus.ENDED:
        return False
    names = {each.label: each.name for each in await queries.list_speakers(session, live.id) if each.name}
    utterances = sorted(_utterance(each, names) for each in await queries.read_segments(session, live.id))
    if utterances:
        await replace_transcript(session, observers, meeting, utterances)
    await _complete(session, meeting, now)
    await queries.delete_drafts(session, live.id)
    live.status, live.ended_at = SessionStatus.ENDED, now
    await session.flush()
    return True


def _utterance(segment: Said, names: Mapping[str, str]) -> Utterance:
    name = names.get(segment.speaker) or segment.speaker
    return Utterance(segment.start_ms, segment.end_ms, name, segment.text)


async def _complete(session: WriteSession, meeting: Meeting, now: datetime) -> None:
    """End the meeting: now, or with the last that was said in it."""
    ended_at = now
    if meeting.started_at is not None:
        ended_at = max(now, meeting.started_at + timedelta(milliseconds=meeting.last_end_ms or 0))
    await change_meeting(session, meeting, {"status": MeetingStatus.COMPLETED, "ended_at": ended_at})


async def issue_ticket(session: WriteSession, viewer: CurrentUser, session_id: int, now: datetime) -> str:
    """A ticket for the viewer to a session of their workspace; raises NotFound."""
    await get_session(session, viewer.workspace_id, session_id)
    ticket = secrets.token_urlsafe(32)
    session.add(
        LiveTicket(
            digest=digest(ticket),
            session_id=session_id,
            user_id=viewer.id,
            sign_in_id=viewer.sign_in_id,
            api_key_id=viewer.api_key_id,
            expires_at=now + timedelta(seconds=TICKET_SECONDS),
        )
    )
    await session.flush()
    return ticket


def digest(ticket: str) -> bytes:
    """What is stored of a ticket."""
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()


async def replace_profiles(session: WriteSession, live: LiveSession, profiles: Sequence[Profile]) -> None:
    """Put `profiles` in the place of all of a locked session's; who was heard stays, without one."""
    given = {each.label for each in profiles}
    others = [each.label for each in await queries.list_speakers(session, live.id) if each.label not in given]
    await queries.store_profiles(session, live, [*profiles, *(Profile(label, None, None) for label in others)])


def _known(live: LiveSession | None) -> LiveSession:
    if live is None:
        raise NotFound("There is no such session.")
    return live
