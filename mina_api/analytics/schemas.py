"""What analytics looks like over HTTP; durations in seconds, shares from 0 to 1."""

from datetime import date

from pydantic import BaseModel, Field

from mina_api.meetings.schemas import MeetingDetail
from mina_api.meetings.tasks.schemas import TaskDetail


class SpeakerAnalytics(BaseModel):
    """One speaker in one meeting."""

    speaker: str = Field(examples=["Grace"])
    talk_time: float = Field(examples=[412.5], description="length of the union of their segments")
    talk_share: float | None = Field(examples=[0.39], description="of the sum of all talk times; null where that is 0")
    turns: int = Field(examples=[88])
    longest_monologue: float = Field(examples=[95.1], description="their longest turn")
    words: int = Field(examples=[1204])
    words_per_minute: float | None = Field(examples=[172.0], description="null under 10 s of talk, or without text")
    fillers_per_100_words: float | None = Field(examples=[1.9], description="null without words")
    questions: int = Field(examples=[12])
    interruptions: int = Field(examples=[5], description="turns begun in another's segment, over it by 0.5 s or more")


class MeetingAnalytics(BaseModel):
    """One meeting, measured over its transcript."""

    meeting_id: int = Field(examples=[42])
    duration_seconds: float | None = Field(examples=[3390.0])
    speech_time: float = Field(examples=[2876.2], description="time in which somebody speaks")
    silence_time: float | None = Field(examples=[513.8], description="duration − speech time")
    overlap_time: float = Field(examples=[351.0], description="time in which two or more speak")
    words: int = Field(examples=[5120])
    turns: int = Field(examples=[401])
    questions: int = Field(examples=[47])
    patience: float | None = Field(examples=[0.31], description="median wait at a change of speaker; null where none")
    participation_equity: float | None = Field(examples=[0.81], description="1: all talk equally long")
    speakers: list[SpeakerAnalytics] = Field(description="by talk time, descending")


class DayCount(BaseModel):
    """One day's meetings."""

    date: date
    meetings: int = Field(examples=[3])
    hours: float = Field(examples=[2.5])


class TopSpeaker(BaseModel):
    """A speaker over a period, by label."""

    speaker: str = Field(examples=["Grace"])
    talk_time: float = Field(examples=[7012.4])
    meetings: int = Field(examples=[6])


class Dashboard(BaseModel):
    """A workspace's last days at a glance."""

    days: int = Field(examples=[7])
    per_day: list[DayCount] = Field(description="every day of the period, also those without meetings")
    busiest_hours: list[int] = Field(
        description="meetings by hour of the day, 24 counts",
        examples=[[0, 0, 0, 0, 0, 0, 0, 1, 6, 9, 7, 4, 1, 5, 8, 6, 3, 1, 0, 0, 0, 0, 0, 0]],
    )
    top_speakers: list[TopSpeaker] = Field(description="the ten who talked longest")
    recent: list[MeetingDetail] = Field(description="the five latest meetings up to the end of today")
    tasks_due: list[TaskDetail] = Field(
        description="open tasks overdue or due in as many days, earliest first, 20 at most"
    )


class StatusCounts(BaseModel):
    """Meetings by status."""

    scheduled: int = 0
    live: int = 0
    completed: int = 0
    cancelled: int = 0


class TaskCounts(BaseModel):
    """The workspace's action items, of whatever time; `overdue` ones are open and due before today."""

    open: int = Field(0, examples=[12])
    done: int = Field(0, examples=[80])
    overdue: int = Field(0, examples=[3])


class Totals(BaseModel):
    """A period's sums and averages; an average is of the meetings' own figures, `…_n` of how many."""

    meetings: int = Field(0, examples=[41])
    completed: int = Field(0, examples=[38])
    hours: float = Field(0.0, examples=[25.5])
    participants: int = Field(0, examples=[8], description="different people invited, by address, else by name")
    speakers: int = Field(0, examples=[8], description="different labels in transcripts")
    average_duration_seconds: float | None = Field(None, examples=[2390.0])
    average_duration_n: int = Field(0, examples=[38])
    words: int = Field(0, examples=[210_000])
    average_participation_equity: float | None = Field(None, examples=[0.71])
    average_participation_equity_n: int = Field(0, examples=[38])
    by_status: StatusCounts = StatusCounts()


class Change(BaseModel):
    """Against the period before: 0.25 is a quarter more; null where there was nothing."""

    meetings: float | None = Field(examples=[0.25])
    hours: float | None = Field(examples=[-0.1])


class Overview(Totals):
    """A workspace's period, and the one before it."""

    days: int = Field(examples=[30])
    first: date = Field(serialization_alias="from", examples=["2026-10-26"])
    last: date = Field(serialization_alias="to", examples=["2026-11-24"])
    tasks: TaskCounts
    previous: Totals
    change: Change


class WeekEquity(BaseModel):
    """One week of the period, by its Monday; its first and last week may be cut short."""

    week: date
    meetings: int = Field(examples=[9])
    participation_equity: float | None = Field(examples=[0.7], description="average over the week's meetings")


class SpeakerEngagement(BaseModel):
    """A speaker over the period, by label."""

    speaker: str = Field(examples=["Grace"])
    meetings: int = Field(examples=[12])
    talk_time: float = Field(examples=[9120.4])
    average_talk_share: float | None = Field(examples=[0.31])
    interruptions: int = Field(examples=[40])


class EngagementCounts(BaseModel):
    """How many meetings each average is of."""

    average_talk_share_of_top_speaker: int = 0
    average_participation_equity: int = 0
    average_overlap_share: int = 0
    questions_per_hour: int = 0
    words_per_minute: int = 0


class Engagement(BaseModel):
    """How a workspace's meetings went, as averages of the meetings' own ratios; `n` says of how many."""

    days: int = Field(examples=[30])
    average_talk_share_of_top_speaker: float | None = Field(examples=[0.42])
    average_participation_equity: float | None = Field(examples=[0.71])
    average_overlap_share: float | None = Field(examples=[0.08], description="overlap time over speech time")
    questions_per_hour: float | None = Field(examples=[31.0], description="over the meetings' durations")
    words_per_minute: float | None = Field(examples=[168.0], description="over the meetings' talk times")
    n: EngagementCounts
    per_week: list[WeekEquity]
    speakers: list[SpeakerEngagement] = Field(description="by talk time, descending, 100 at most")
