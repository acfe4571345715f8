"""Putting rollups into answers: milliseconds to seconds, sums to ratios, gaps to zeros."""

from collections import Counter

from mina_api.analytics import queries
from mina_api.analytics.measures import ENOUGH_TALK_MS
from mina_api.analytics.models import MeetingRollup, SpeakerRollup
from mina_api.analytics.periods import MS_PER_HOUR, Period
from mina_api.analytics.schemas import Dashboard, DayCount, MeetingAnalytics, SpeakerAnalytics, TopSpeaker
from mina_api.db.session import ReadSession
from mina_api.meetings.models import Meeting
from mina_api.meetings.schemas import MeetingDetail
from mina_api.meetings.tasks.schemas import TaskDetail


def words_per_minute(words: int, talk_ms: int) -> float | None:
    """None under ten seconds of talk, or without text."""
    return words / (talk_ms / 60_000) if words and talk_ms >= ENOUGH_TALK_MS else None


async def meeting_analytics(session: ReadSession, meeting: Meeting) -> MeetingAnalytics:
    """The answer for one meeting; without a transcript, what the formulas give for none."""
    rollup, speakers = await queries.meeting_rollup(session, meeting.id)
    rollup = rollup or MeetingRollup(speech_ms=0, overlap_ms=0, talk_ms=0, words=0, turns=0, questions=0)
    duration = meeting.duration_ms
    return MeetingAnalytics(
        meeting_id=meeting.id,
        duration_seconds=None if duration is None else duration / 1000,
        speech_time=rollup.speech_ms / 1000,
        silence_time=None if duration is None else (duration - rollup.speech_ms) / 1000,
        overlap_time=rollup.overlap_ms / 1000,
        words=rollup.words,
        turns=rollup.turns,
        questions=rollup.questions,
        patience=None if rollup.patience_ms is None else rollup.patience_ms / 1000,
        participation_equity=rollup.participation_equity,
        speakers=[_speaker(each, rollup.talk_ms) for each in speakers],
    )


def _speaker(rollup: SpeakerRollup, talk_ms: int) -> SpeakerAnalytics:
    return SpeakerAnalytics(
        speaker=rollup.speaker,
        talk_time=rollup.talk_ms / 1000,
        talk_share=rollup.talk_ms / talk_ms if talk_ms else None,
        turns=rollup.turns,
        longest_monologue=rollup.longest_monologue_ms / 1000,
        words=rollup.words,
        words_per_minute=words_per_minute(rollup.words, rollup.talk_ms),
        fillers_per_100_words=100 * rollup.fillers / rollup.words if rollup.words else None,
        questions=rollup.questions,
        interruptions=rollup.interruptions,
    )


async def dashboard(session: ReadSession, workspace_id: int, period: Period) -> Dashboard:
    """The answer for a workspace's period, by four queries over one snapshot."""
    meetings_by_day: Counter[object] = Counter()
    ms_by_day: Counter[object] = Counter()
    by_hour: Counter[int] = Counter()
    for day, hour, count, milliseconds in await queries.counts_by_hour(session, workspace_id, period):
        meetings_by_day[day] += count
        ms_by_day[day] += milliseconds
        by_hour[hour] += count
    top = await queries.top_speakers(session, workspace_id, period)
    recent = await queries.recent_meetings(session, workspace_id, period)
    tasks = await queries.tasks_due(session, workspace_id, period)
    return Dashboard(
        days=period.days,
        per_day=[
            DayCount(date=day, meetings=meetings_by_day[day], hours=ms_by_day[day] / MS_PER_HOUR)
            for day in period.dates()
        ],
        busiest_hours=[by_hour[hour] for hour in range(24)],
        top_speakers=[TopSpeaker(speaker=label, talk_time=int(ms) / 1000, meetings=n) for label, ms, n in top],
        recent=[MeetingDetail.of(meeting) for meeting in recent],
        tasks_due=[TaskDetail.of(task) for task in tasks],
    )
