"""What meetings look like over HTTP; times RFC 3339 in UTC, durations in seconds."""

from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    EmailStr,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from mina_api.meetings.models import Meeting, MeetingStatus
from mina_api.web.text import STORABLE
from mina_api.web.times import Moment

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    STORABLE,
    Field(examples=["Quarterly review"]),
]
Description = Annotated[
    str, StringConstraints(max_length=20_000), STORABLE, Field(examples=["Numbers, plans, questions."])
]
TagName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=50),
    STORABLE,
    Field(examples=["finance"]),
]


def _distinct(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


class Participant(BaseModel):
    """Somebody who takes part; not necessarily a user."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), STORABLE] = Field(
        examples=["Grace Hopper"]
    )
    email: EmailStr | None = Field(None, max_length=254, examples=["grace@example.com"])


class MeetingFields(BaseModel):
    """What a client says of a meeting."""

    title: Title
    description: Description = ""
    status: MeetingStatus = Field(MeetingStatus.SCHEDULED, examples=["completed"])
    scheduled_at: Moment | None = Field(None, examples=["2026-11-24T09:00:00Z"])
    started_at: Moment | None = Field(None, examples=["2026-11-24T09:02:10Z"])
    ended_at: Moment | None = Field(None, examples=["2026-11-24T09:58:40Z"])
    tags: Annotated[list[TagName], Field(max_length=20), AfterValidator(_distinct)] = Field([], examples=[["q4"]])
    participants: list[Participant] = Field([], max_length=500)

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.started_at and self.ended_at and self.ended_at < self.started_at:
            raise ValueError("ended_at must not be before started_at")
        return self


class MeetingChange(BaseModel):
    """Some of a meeting's fields; those that are absent stay as they are."""

    title: Title | SkipJsonSchema[None] = None
    description: Description | SkipJsonSchema[None] = None
    status: MeetingStatus | SkipJsonSchema[None] = None
    scheduled_at: Moment | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    tags: Annotated[list[TagName], Field(max_length=20), AfterValidator(_distinct)] | SkipJsonSchema[None] = None
    participants: Annotated[list[Participant], Field(max_length=500)] | SkipJsonSchema[None] = None

    @model_validator(mode="after")
    def _nothing_required_is_null(self) -> Self:
        for name in ("title", "description", "status", "tags", "participants"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} must not be null")
        return self


class ParticipantDetail(BaseModel):
    """A participant as they are stored: checked when they came in."""

    name: str = Field(examples=["Grace Hopper"])
    email: str | None = Field(None, examples=["grace@example.com"])


class MeetingDetail(BaseModel):
    """A meeting as it is stored."""

    id: int = Field(examples=[42])
    title: str = Field(examples=["Quarterly review"])
    description: str = Field(examples=["Numbers, plans, questions."])
    status: MeetingStatus
    scheduled_at: AwareDatetime | None
    started_at: AwareDatetime | None = Field(examples=["2026-11-24T09:03:10Z"])
    ended_at: AwareDatetime | None = Field(examples=["2026-11-24T09:59:40Z"])
    duration_seconds: float | None = Field(
        examples=[3390.0], description="ended − started where it has both, else the transcript's latest end"
    )
    tags: list[str] = Field(examples=[["finance"]])
    participants: list[ParticipantDetail]
    participant_count: int = Field(examples=[4])
    segment_count: int = Field(examples=[812])
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def of(cls, meeting: Meeting) -> Self:
        """The representation of `meeting`."""
        duration = meeting.duration_ms
        return cls(  # the participants are dicts, which the model takes
            id=meeting.id,
            title=meeting.title,
            description=meeting.description,
            status=MeetingStatus(meeting.status),
            scheduled_at=meeting.scheduled_at,
            started_at=meeting.started_at,
            ended_at=meeting.ended_at,
            duration_seconds=None if duration is None else duration / 1000,
            tags=meeting.tags,
            participants=meeting.participants,
            participant_count=len(meeting.participants),
            segment_count=meeting.segment_count,
            created_at=meeting.created_at,
            updated_at=meeting.updated_at,
        )
