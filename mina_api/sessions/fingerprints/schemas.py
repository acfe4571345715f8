"""What fingerprints look like over HTTP."""

import json
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, JsonValue, StringConstraints

from mina_api.web.text import STORABLE, storable

FingerprintText = Annotated[str, StringConstraints(min_length=1, max_length=200), STORABLE]


def _storable(value: JsonValue) -> JsonValue:
    storable(json.dumps(value, ensure_ascii=False, allow_nan=False))
    return value


Told = Annotated[JsonValue, AfterValidator(_storable), Field(examples=[{"text": "Shall we begin?"}])]


class TranscriptionOf(BaseModel):
    """What the audio of a fingerprint says, in whatever form its clients agree on."""

    transcription: Told


class FingerprintDetail(BaseModel):
    """A fingerprint, and what its audio says."""

    fingerprint: str = Field(examples=["3f1c0a9b5d7e42681122334455667788"])
    transcription: JsonValue = Field(examples=[{"text": "Shall we begin?"}])


class Recognition(BaseModel):
    """Audio's fingerprint, and whether it was heard before in the session."""

    fingerprint: str = Field(examples=["3f1c0a9b5d7e42681122334455667788"])
    known: bool = Field(examples=[True], description="whether the same was heard within two hours")
    transcription: JsonValue = Field(
        None, examples=[{"text": "Shall we begin?"}], description="what it says, where somebody has told; else absent"
    )
