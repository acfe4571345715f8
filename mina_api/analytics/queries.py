"""All SQL of analytics: over rollups, set-based, a fixed number of queries whatever the data."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import BigInteger, ColumnElement, Date, Integer, Row, cast, extract, func, select

from mina_api.analytics.models import MeetingRollup, SpeakerRollup
from mina_api.analytics.periods import Period
from mina_api.db.session import ReadSession
from mina_api.meetings.models import Meeting, Task

TOP_SPEAKERS = 10
RECENT = 5
TASKS_DUE = 20


async def meeting_rollup(session: ReadSession, meeting_id: int) -> tuple[MeetingRollup | None, Sequence[SpeakerRollup]]:
    """A meeting's rollup, if it has a transcript, and its speakers', by talk time, descending."""
    rollup = await session.get(MeetingRollup, meeting_id)
    speakers = (
        select(SpeakerRollup)
        .where(SpeakerRollup.meeting_id == meeting_id)
        .order_by(SpeakerRollup.talk_ms.desc(), SpeakerRollup.position)
    )
    return rollup, (await session.execute(speakers)).scalars().all()


def in_period(workspace_id: int, period: Period) -> tuple[ColumnElement[bool], ...]:
    """The conditions that a workspace's meeting falls in a period."""
    return (
        Meeting.workspace_id == workspace_id,
        Meeting.occurs_at >= period.start,
        Meeting.occurs_at < period.end,
    )


async def counts_by_hour(session: ReadSession, workspace_id: int, period: Period) -> Sequence[Row[date, int, int, int]]:
    """For each local day and hour that has meetings: day, hour, how many, and their milliseconds."""
    local = func.timezone(period.zone, Meeting.occurs_at)
    day, hour = cast(local, Date), cast(extract("hour", local), Integer)
    statement = (
        select(day, hour, func.count(), cast(func.coalesce(func.sum(Meeting.duration_ms), 0), BigInteger))
        .where(*in_period(workspace_id, period))
        .group_by(day, hour)
    )
    return (await session.execute(statement)).all()


async def top_speakers(session: ReadSession, workspace_id: int, period: Period) -> Sequence[Row[str, int, int]]:
    """Who talked longest: label, milliseconds, meetings."""
    talk = func.sum(SpeakerRollup.talk_ms)
    statement = (
        select(SpeakerRollup.speaker, talk, func.count())
        .join(Meeting, Meeting.id == SpeakerRollup.meeting_id)
        .where(*in_period(workspace_id, period))
        .group_by(SpeakerRollup.speaker)
        .order_by(talk.desc(), SpeakerRollup.speaker)
        .limit(TOP_SPEAKERS)
    )
    return (await session.execute(statement)).all()


async def recent_meetings(session: ReadSession, workspace_id: int, period: Period) -> Sequence[Meeting]:
    """The latest meetings before the period's end, also those before its start."""
    statement = (
        select(Meeting)
        .where(Meeting.workspace_id == workspace_id, Meeting.occurs_at < period.end)
        .order_by(Meeting.occurs_at.desc(), Meeting.id.desc())
        .limit(RECENT)
    )
    return (await session.execute(statement)).scalars().all()


async def tasks_due(session: ReadSession, workspace_id: int, period: Period) -> Sequence[Task]:
    """Open tasks that are overdue, or due within as many days as the period has."""
    statement = (
        select(Task)
        .where(
            Task.workspace_id == workspace_id,
            Task.done.is_(False),
            Task.due_on <= period.last + timedelta(days=period.days),
        )
        .order_by(Task.due_on, Task.id)
        .limit(TASKS_DUE)
    )
    return (await session.execute(statement)).scalars().all()
