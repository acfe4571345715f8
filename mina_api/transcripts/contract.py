"""What OpenAPI says of a transcript file: never validated by these schemas, its readers stream (`formats`)."""

from typing import Any

from mina_api.transcripts.formats.limits import MAX_LABEL, MAX_MS, MAX_SEGMENTS, MAX_TEXT

VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n<v Ada>Shall we begin?\n"
SRT = "1\n00:00:01,000 --> 00:00:02,500\nAda: Shall we begin?\n"
TXT = "[00:00:01] Ada: Shall we begin?\n"
RTTM = "SPEAKER m 1 1.00 1.50 <NA> <NA> Ada <NA> <NA>\n"
MINA = {"segments": [{"speaker": "Ada", "start": 1.0, "end": 2.5, "text": "Shall we begin?"}]}

_SECONDS = {"type": "number", "minimum": 0, "maximum": MAX_MS // 1000, "description": "from the meeting's start"}
_MILLISECONDS = {"type": "integer", "minimum": 0, "maximum": MAX_MS}
_TEXT = {"type": ["string", "null"], "maxLength": MAX_TEXT}
_NAME = {"type": ["string", "null"], "maxLength": MAX_LABEL}


def _list_of(properties: dict[str, Any]) -> dict[str, Any]:
    item = {"type": "object", "required": ["start", "end"], "properties": properties}
    return {"type": "array", "maxItems": MAX_SEGMENTS, "items": item}


def _object(title: str, name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "type": "object", "required": [name], "properties": {name: value}}


_segments = _list_of({"speaker": _NAME, "start": _SECONDS, "end": _SECONDS, "text": _TEXT})
_utterances = _list_of({"speaker": _NAME, "start": _MILLISECONDS, "end": _MILLISECONDS, "text": _TEXT})
_numbered = _list_of(
    {"speaker": {"type": ["integer", "null"]}, "start": _SECONDS, "end": _SECONDS, "transcript": _TEXT}
)
JSON_SCHEMA = {
    "anyOf": [
        _object("MinaTranscript", "segments", _segments),
        _object("AssemblyAITranscript", "utterances", _utterances),
        _object("DeepgramTranscript", "results", _object("DeepgramResults", "utterances", _numbered)),
    ]
}
REQUEST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/vtt": {"schema": {"type": "string"}, "example": VTT},
            "application/x-subrip": {"schema": {"type": "string"}, "example": SRT},
            "text/x-rttm": {"schema": {"type": "string"}, "example": RTTM},
            "application/json": {"schema": JSON_SCHEMA, "example": MINA},
        },
    }
}
