"""What transcripts look like over HTTP; times in seconds from the meeting's start."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from mina_api.transcripts.formats.limits import MAX_LABEL
from mina_api.web.text import STORABLE


class SegmentOut(BaseModel):
    """One utterance."""

    speaker: str = Field(examples=["Grace"])
    start: float = Field(examples=[12.34])
    end: float = Field(examples=[15.0])
    text: str = Field(examples=["Shall we begin?"])


class Transcript(BaseModel):
    """A meeting's transcript, ordered by start, then end."""

    meeting_id: int = Field(examples=[42])
    duration_seconds: float | None = Field(examples=[3390.0])
    speakers: list[str] = Field(examples=[["Ada", "Grace"]])
    segments: list[SegmentOut]


class TranscriptSummary(BaseModel):
    """What an import came to."""

    segments: int = Field(examples=[812])
    speakers: int = Field(examples=[4])
    duration_seconds: float | None = Field(examples=[3390.0])


class SpeakerName(BaseModel):
    """A speaker's new name."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LABEL), STORABLE] = (
        Field(examples=["Grace Hopper"])
    )
