"""Engagement: averages of the meetings' own ratios, by three queries over one snapshot."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Date, Double, RowMapping, Select, case, cast, func, select

from mina_api.analytics.measures import ENOUGH_TALK_MS
from mina_api.analytics.models import MeetingRollup, SpeakerRollup
from mina_api.analytics.periods import Period
from mina_api.analytics.queries import in_period
from mina_api.analytics.schemas import Engagement, EngagementCounts, SpeakerEngagement, WeekEquity
from mina_api.db.session import ReadSession
from mina_api.meetings.models import Meeting

SPEAKERS = 100

_talked = MeetingRollup.talk_ms > 0

# Each ratio of one meeting; null, so that no average counts it, where API.md gives the meeting none.
RATIOS = {
    "average_talk_share_of_top_speaker": case(
        (_talked, cast(MeetingRollup.top_talk_ms, Double) / MeetingRollup.talk_ms)
    ),
    "average_participation_equity": MeetingRollup.participation_equity,
    "average_overlap_share": case(
        (MeetingRollup.speech_ms > 0, cast(MeetingRollup.overlap_ms, Double) / MeetingRollup.speech_ms)
    ),
    "questions_per_hour": case(
        (
            (MeetingRollup.words > 0) & (Meeting.duration_ms > 0),
            MeetingRollup.questions / (cast(Meeting.duration_ms, Double) / 3_600_000),
        )
    ),
    "words_per_minute": case(
        (
            (MeetingRollup.words > 0) & (MeetingRollup.talk_ms >= ENOUGH_TALK_MS),
            MeetingRollup.words / (cast(MeetingRollup.talk_ms, Double) / 60_000),
        )
    ),
}


async def engagement(session: ReadSession, workspace_id: int, period: Period) -> Engagement:
    """The answer for a workspace's period."""
    averages = (await session.execute(_averages(workspace_id, period))).mappings().one()
    return Engagement(
        days=period.days,
        **{name: averages[name] for name in RATIOS},
        n=EngagementCounts(**{name: averages[f"{name}_n"] for name in RATIOS}),
        per_week=await _weeks(session, workspace_id, period),
        speakers=await _speakers(session, workspace_id, period),
    )


def _averages(workspace_id: int, period: Period) -> Select[Any]:
    columns = [
        column.label(label)
        for name, ratio in RATIOS.items()
        for column, label in ((func.avg(ratio), name), (func.count(ratio), f"{name}_n"))
    ]
    return (
        select(*columns)
        .select_from(Meeting)
        .join(MeetingRollup, MeetingRollup.meeting_id == Meeting.id)
        .where(*in_period(workspace_id, period))
    )


async def _weeks(session: ReadSession, workspace_id: int, period: Period) -> list[WeekEquity]:
    """Every week that the period touches, also those without meetings."""
    week = cast(func.date_trunc("week", func.timezone(period.zone, Meeting.occurs_at)), Date)
    statement = (
        select(week, func.count(), func.avg(MeetingRollup.participation_equity))
        .select_from(Meeting)
        .join(MeetingRollup, MeetingRollup.meeting_id == Meeting.id, isouter=True)
        .where(*in_period(workspace_id, period))
        .group_by(week)
    )
    found = {monday: (count, equity) for monday, count, equity in await session.execute(statement)}
    return [
        WeekEquity(week=monday, meetings=count, participation_equity=equity)
        for monday in period.weeks()
        for count, equity in (found.get(monday, (0, None)),)
    ]


async def _speakers(session: ReadSession, workspace_id: int, period: Period) -> list[SpeakerEngagement]:
    talk = func.sum(SpeakerRollup.talk_ms)
    share = case((_talked, cast(SpeakerRollup.talk_ms, Double) / MeetingRollup.talk_ms))
    statement = (
        select(
            SpeakerRollup.speaker,
            func.count().label("meetings"),
            talk.label("talk_ms"),
            func.avg(share).label("share"),
            func.sum(SpeakerRollup.interruptions).label("interruptions"),
        )
        .join(Meeting, Meeting.id == SpeakerRollup.meeting_id)
        .join(MeetingRollup, MeetingRollup.meeting_id == Meeting.id)
        .where(*in_period(workspace_id, period))
        .group_by(SpeakerRollup.speaker)
        .order_by(talk.desc(), SpeakerRollup.speaker)
        .limit(SPEAKERS)
    )
    rows: Sequence[RowMapping] = (await session.execute(statement)).mappings().all()
    return [
        SpeakerEngagement(
            speaker=row["speaker"],
            meetings=row["meetings"],
            talk_time=int(row["talk_ms"]) / 1000,
            average_talk_share=row["share"],
            interruptions=row["interruptions"],
        )
        for row in rows
    ]
