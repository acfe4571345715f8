"""What fingerprints look like over HTTP."""

import json
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, JsonValue, StringConstraints, WithJsonSchema

from mina_api.web.text import STORABLE, storable

FingerprintText = Annotated[str, StringConstraints(min_length=1, max_length=200), STORABLE]


def _storable(value: JsonValue) -> JsonValue:
    storable(json.dumps(value, ensure_ascii=False, allow_nan=False))
    return value


_ANY_JSON = WithJsonSchema({"description": "any JSON", "examples": [{"text": "Shall we begin?"}]})
Told = Annotated[JsonValue, AfterValidator(_storable), _ANY_JSON]
ToldBefore = Annotated[JsonValue, _ANY_JSON]


class TranscriptionOf(BaseModel):
    """What the audio of a fingerprint says, in whatever form its clients agree on."""

    transcription: Told


class FingerprintDetail(BaseModel):
    """A fingerprint, and what its audio says."""

    fingerprint: str = Field(examples=["3f1c0a9b5d7e42681122334455667788"])
    transcription: ToldBefore


class Recognition(BaseModel):
    """Audio's fingerprint, and whether it was heard before in the session."""

    fingerprint: str = Field(examples=["3f1c0a9b5d7e42681122334455667788"])
    known: bool = Field(examples=[True], description="whether the same was heard within two hours")
    transcription: ToldBefore = Field(None, description="what it says, where somebody has told; else absent")
