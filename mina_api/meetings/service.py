"""Decisions about meetings: whose they are, which version is meant, what a change does."""

from collections.abc import Mapping
from typing import Any

from mina_api.db.session import ReadSession, WriteSession
from mina_api.errors import InvalidInput, NotFound
from mina_api.meetings import queries
from mina_api.meetings.models import Meeting
from mina_api.web.conditional import check_if_match

MAX_ID = 2**63 - 1


def etag_of(meeting: Meeting) -> str:
    """The entity tag of a meeting's representation, which changes with its version."""
    return f'"m{meeting.id}.{meeting.version}"'


async def get_meeting(session: ReadSession, workspace_id: int, meeting_id: int) -> Meeting:
    """A meeting of this workspace; raises NotFound."""
    return _known(await queries.find_meeting(session, workspace_id, meeting_id))


async def lock_meeting(session: WriteSession, workspace_id: int, meeting_id: int, if_match: str | None) -> Meeting:
    """A meeting to change, locked; raises NotFound, or PreconditionFailed where another version was meant."""
    meeting = _known(await queries.lock_meeting(session, workspace_id, meeting_id))
    check_if_match(if_match, etag_of(meeting))
    return meeting


async def create_meeting(session: WriteSession, workspace_id: int, user_id: int, fields: Mapping[str, Any]) -> Meeting:
    """A new meeting, with what the server sets of it."""
    meeting = Meeting(workspace_id=workspace_id, created_by=user_id, **fields)
    session.add(meeting)
    await session.flush()
    await session.refresh(meeting)
    return meeting


async def change_meeting(session: WriteSession, meeting: Meeting, fields: Mapping[str, Any]) -> None:
    """Set `fields`, as a new version; raises InvalidInput where the whole makes no sense."""
    for name, value in fields.items():
        setattr(meeting, name, value)
    if meeting.started_at and meeting.ended_at and meeting.ended_at < meeting.started_at:
        raise InvalidInput("ended_at must not be before started_at")
    await touch_meeting(session, meeting)


async def touch_meeting(session: WriteSession, meeting: Meeting) -> None:
    """Make a new version of a meeting, whatever of it has changed."""
    meeting.version += 1
    await session.flush()
    await session.refresh(meeting)


def _known(meeting: Meeting | None) -> Meeting:
    if meeting is None:
        raise NotFound("There is no such meeting.")
    return meeting
