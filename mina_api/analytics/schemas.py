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
    busiest_hours: list[int] = Field(description="meetings by hour of the day, 24 counts")
    top_speakers: list[TopSpeaker] = Field(description="the ten who talked longest")
    recent: list[MeetingDetail] = Field(description="the five latest meetings up to the end of today")
    tasks_due: list[TaskDetail] = Field(
        description="open tasks overdue or due in as many days, earliest first, 20 at most"
    )
