"""What goes over the WebSocket, as JSON: typed messages in either direction, checked when they come in."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import to_json

from mina_api.sessions.schemas import Label, Name
from mina_api.transcripts.formats.limits import MAX_LABEL, MAX_MS, MAX_TEXT, label_of
from mina_api.web.text import STORABLE

MAX_SEQ = 2**63 - 1

_Seconds = Annotated[float, Field(ge=0, le=MAX_MS // 1000, allow_inf_nan=False)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class SegmentSent(_Message):
    """Something that was said, or, where it is not `final`, will perhaps have been said."""

    type: Literal["segment"]
    seq: int = Field(strict=True, ge=0, le=MAX_SEQ)
    speaker: Annotated[str, StringConstraints(max_length=MAX_LABEL), STORABLE, AfterValidator(label_of)]
    start: _Seconds
    end: _Seconds
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT), STORABLE]
    final: bool = Field(True, strict=True)


class SpeakerSent(_Message):
    """Who is behind a label."""

    type: Literal["speaker"]
    label: Label
    name: Name


class PingSent(_Message):
    """Are you there?"""

    type: Literal["ping"]


Sent = SegmentSent | SpeakerSent | PingSent
_sent: TypeAdapter[Sent] = TypeAdapter(Annotated[Sent, Field(discriminator="type")])


class Misunderstood(Exception):
    """A message that is none of ours; says why, in a sentence for whoever wrote the client."""


def parse(text: str) -> Sent:
    """The message in `text`; raises Misunderstood."""
    try:
        return _sent.validate_json(text)
    except ValidationError as failure:
        first = failure.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        raise Misunderstood(f"{place}: {first['msg']}" if place else first["msg"]) from None


def encode(message: Mapping[str, Any]) -> str:
    """A message as it is sent."""
    return to_json(message).decode()


def ack(seq: int, position: int | None) -> str:
    """The segment `seq` is in Postgres, a final one at `position`."""
    if position is None:
        return f'{{"type":"ack","seq":{seq}}}'
    return f'{{"type":"ack","seq":{seq},"position":{position}}}'


def error(detail: str, seq: int | None = None) -> str:
    """Something was not done."""
    return encode({"type": "error", "detail": detail} | ({} if seq is None else {"seq": seq}))


def speaker(label: str, name: str | None) -> str:
    """Who is behind a label now; None: nobody told."""
    return encode({"type": "speaker", "label": label, "name": name})


PONG = '{"type":"pong"}'
