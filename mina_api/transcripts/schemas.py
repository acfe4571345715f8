"""What transcripts look like over HTTP; times in seconds from the meeting's start."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints
from pydantic_core import to_json

from mina_api.meetings.models import Meeting
from mina_api.transcripts.formats.limits import MAX_LABEL
from mina_api.transcripts.segments import Utterance
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


def as_json(meeting: Meeting, utterances: Sequence[Utterance]) -> bytes:
    """A `Transcript` as JSON; a model of each of 200,000 segments would take half a gigabyte and seconds."""
    duration = meeting.duration_ms
    return to_json(
        {
            "meeting_id": meeting.id,
            "duration_seconds": None if duration is None else duration / 1000,
            "speakers": list(dict.fromkeys(each.speaker for each in utterances)),
            "segments": (
                {"speaker": each.speaker, "start": each.start_ms / 1000, "end": each.end_ms / 1000, "text": each.text}
                for each in utterances
            ),
        }
    )


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
