"""The overview: a period's totals beside those of the period before, by four queries over one snapshot."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

from mina_api.analytics.models import MeetingRollup, SpeakerRollup
from mina_api.analytics.periods import MS_PER_HOUR, Period
from mina_api.analytics.queries import in_period
from mina_api.analytics.schemas import Change, Overview, StatusCounts, TaskCounts, Totals
from mina_api.db.session import ReadSession
from mina_api.meetings.models import Meeting, MeetingStatus, Task


async def overview(session: ReadSession, workspace_id: int, period: Period) -> Overview:
    """The answer for a workspace's period."""
    by_period = await _totals(session, workspace_id, period)
    current, previous = by_period.get(True, Totals()), by_period.get(False, Totals())
    return Overview(
        **dict(current),
        days=period.days,
        first=period.first,
        last=period.last,
        tasks=await _tasks(session, workspace_id, period),
        previous=previous,
        change=Change(
            meetings=_change(current.meetings, previous.meetings), hours=_change(current.hours, previous.hours)
        ),
    )


def _change(now: float, before: float) -> float | None:
    return (now - before) / before if before else None


async def _totals(session: ReadSession, workspace_id: int, period: Period) -> Mapping[bool, Totals]:
    """Totals by whether a meeting falls in the period itself (True) or in the one before (False)."""
    both = in_period(workspace_id, period.both())
    current = (Meeting.occurs_at >= period.start).label("current")
    sums = (
        select(
            current,
            func.count().label("meetings"),
            *(func.count().filter(Meeting.status == status).label(status) for status in MeetingStatus),
            cast(func.coalesce(func.sum(Meeting.duration_ms), 0), BigInteger).label("duration_ms"),
            func.count(Meeting.duration_ms).label("duration_n"),
            func.coalesce(func.sum(MeetingRollup.words), 0).label("words"),
            func.avg(MeetingRollup.participation_equity).label("equity"),
            func.count(MeetingRollup.participation_equity).label("equity_n"),
        )
        .join(MeetingRollup, MeetingRollup.meeting_id == Meeting.id, isouter=True)
        .where(*both)
        .group_by(current)
    )
    person = func.jsonb_array_elements(Meeting.participants).table_valued("value", joins_implicitly=True)
    who = func.coalesce(
        func.lower(cast(person.c.value, JSONB)["email"].astext), cast(person.c.value, JSONB)["name"].astext
    )
    people = select(current, who.label("name")).select_from(Meeting, person).where(*both)
    speaking = (
        select(current, SpeakerRollup.speaker.label("name"))
        .join(Meeting, Meeting.id == SpeakerRollup.meeting_id)
        .where(*both)
    )
    participants = await _different(session, people)
    speakers = await _different(session, speaking)
    return {
        row["current"]: _row(dict(row), participants.get(row["current"], 0), speakers.get(row["current"], 0))
        for row in (await session.execute(sums)).mappings()
    }


async def _different(session: ReadSession, names: Select[bool, str]) -> Mapping[bool, int]:
    """How many different names each period has; hashed, which count(DISTINCT) would sort."""
    different = names.distinct().subquery()
    statement = select(different.c.current, func.count(different.c.name)).group_by(different.c.current)
    return {row[0]: row[1] for row in await session.execute(statement)}


def _row(row: Mapping[str, Any], participants: int, speakers: int) -> Totals:
    return Totals(
        meetings=row["meetings"],
        completed=row["completed"],
        hours=row["duration_ms"] / MS_PER_HOUR,
        participants=participants,
        speakers=speakers,
        average_duration_seconds=row["duration_ms"] / row["duration_n"] / 1000 if row["duration_n"] else None,
        average_duration_n=row["duration_n"],
        words=row["words"],
        average_participation_equity=row["equity"],
        average_participation_equity_n=row["equity_n"],
        by_status=StatusCounts(**{status: row[status] for status in MeetingStatus}),
    )


async def _tasks(session: ReadSession, workspace_id: int, period: Period) -> TaskCounts:
    statement = select(
        func.count().filter(Task.done.is_(False)).label("open"),
        func.count().filter(Task.done).label("done"),
        func.count().filter(Task.done.is_(False), Task.due_on < period.last).label("overdue"),
    ).where(Task.workspace_id == workspace_id)
    return TaskCounts(**(await session.execute(statement)).mappings().one())
