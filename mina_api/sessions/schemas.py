"""What live sessions look like over HTTP; times of segments in seconds from the meeting's start."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, EmailStr, Field, StringConstraints, field_validator
from pydantic_core import to_json

from mina_api.meetings.service import MAX_ID
from mina_api.sessions.models import LiveSession, LiveSpeaker, SessionStatus
from mina_api.sessions.queries import Said
from mina_api.transcripts.formats.limits import MAX_LABEL, MAX_SPEAKERS
from mina_api.transcripts.schemas import SegmentOut
from mina_api.web.text import STORABLE

Label = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LABEL), STORABLE, Field(examples=["S1"])
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LABEL), STORABLE]


class NewSession(BaseModel):
    """Which meeting begins."""

    meeting_id: int = Field(strict=True, ge=1, le=MAX_ID, examples=[42])


class SessionDetail(BaseModel):
    """A session as it stands."""

    id: int = Field(examples=[5])
    meeting_id: int = Field(examples=[42])
    status: SessionStatus = Field(examples=["live"])
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = Field(examples=["2026-11-24T09:59:40Z"])
    segment_count: int = Field(examples=[812], description="final segments; the last one's `position`")

    @classmethod
    def of(cls, session: LiveSession) -> Self:
        """The representation of `session`."""
        return cls(
            id=session.id,
            meeting_id=session.meeting_id,
            status=SessionStatus(session.status),
            started_at=session.started_at,
            ended_at=session.ended_at,
            segment_count=session.position,
        )


class Ticket(BaseModel):
    """What opens the WebSocket where a client can send no header: once, and soon."""

    ticket: str = Field(examples=["q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c"])
    expires_in: int = Field(examples=[30], description="seconds that it can be used")


class SpeakerProfile(BaseModel):
    """Who is behind a label; under `name` they stand in the transcript that the session becomes."""

    label: Label
    name: Name | None = Field(None, examples=["Grace Hopper"])
    email: EmailStr | None = Field(None, max_length=254, examples=["grace@example.com"])


class SpeakerProfiles(BaseModel):
    """A session's speakers."""

    speakers: list[SpeakerProfile] = Field(max_length=MAX_SPEAKERS)

    @field_validator("speakers")
    @classmethod
    def _are_distinct(cls, speakers: list[SpeakerProfile]) -> list[SpeakerProfile]:
        if len({each.label for each in speakers}) < len(speakers):
            raise ValueError("a label must not come twice")
        return speakers


class SpeakerProfileDetail(BaseModel):
    """A profile as it is stored: checked when it came in."""

    label: str = Field(examples=["S1"])
    name: str | None = Field(examples=["Grace Hopper"])
    email: str | None = Field(examples=["grace@example.com"])


class SpeakerProfilesDetail(BaseModel):
    """Everybody who was heard in a session or has a profile in it, by label."""

    speakers: list[SpeakerProfileDetail]

    @classmethod
    def of(cls, speakers: Sequence[LiveSpeaker]) -> Self:
        """The representation of `speakers`."""
        return cls(
            speakers=[SpeakerProfileDetail(label=each.label, name=each.name, email=each.email) for each in speakers]
        )


class LiveSegmentOut(SegmentOut):
    """A final segment, and its place in the session."""

    position: int = Field(examples=[12])


class Transcription(BaseModel):
    """What has been said so far, in the order that it came; speakers by their labels."""

    session_id: int = Field(examples=[5])
    meeting_id: int = Field(examples=[42])
    status: SessionStatus
    segments: list[LiveSegmentOut]


def transcription_json(session: LiveSession, segments: Sequence[Said]) -> bytes:
    """A `Transcription` as JSON; a model of each of 200,000 segments would take seconds."""
    return to_json(
        {
            "session_id": session.id,
            "meeting_id": session.meeting_id,
            "status": session.status,
            "segments": (
                {
                    "speaker": each.speaker,
                    "start": each.start_ms / 1000,
                    "end": each.end_ms / 1000,
                    "text": each.text,
                    "position": each.position,
                }
                for each in segments
            ),
        }
    )
