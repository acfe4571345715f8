"""JSON transcripts: ours, AssemblyAI's and Deepgram's; told by name or by shape, units are never guessed."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from mina_api.errors import InvalidInput
from mina_api.transcripts.formats.limits import UNKNOWN, label_of, malformed, milliseconds
from mina_api.transcripts.segments import Utterance

Document = Mapping[str, Any]


def read(data: bytes, dialect: str | None) -> list[Utterance]:
    """The utterances of a JSON document in `dialect`, or in the one whose shape it has; raises InvalidInput."""
    document = _load(data)
    chosen = dialect or _shape(document)
    if chosen not in DIALECTS:
        raise InvalidInput(f"`format` is one of: {', '.join(DIALECTS)}.")
    return DIALECTS[chosen](document)


def _load(data: bytes) -> Document:
    try:
        document = json.loads(data)
    except UnicodeDecodeError:
        raise malformed("it is not UTF-8", line=1) from None
    except json.JSONDecodeError as failure:
        raise malformed(failure.msg, line=failure.lineno) from None
    except (RecursionError, ValueError) as failure:
        raise malformed(f"it cannot be read as JSON ({type(failure).__name__})", line=1) from None
    if not isinstance(document, dict):
        raise malformed("it is no object", at="the top")
    return document


def _shape(document: Document) -> str:
    shapes = [
        name
        for name, fits in (
            ("mina", "segments" in document),
            ("assemblyai", "utterances" in document),
            ("deepgram", isinstance(document.get("results"), dict)),
        )
        if fits
    ]
    if len(shapes) != 1:
        detail = "it has neither `segments`, nor `utterances`, nor `results`" if not shapes else "it has several shapes"
        raise malformed(f"{detail}: say which dialect it is by `format=`", at="the top")
    return shapes[0]


def _mina(document: Document) -> list[Utterance]:
    def one(item: Document, at: str) -> Utterance:
        speaker = _text(item, "speaker", at)
        return Utterance(
            _seconds(item, "start", at),
            _seconds(item, "end", at),
            label_of(speaker or ""),
            _text(item, "text", at) or "",
        )

    return _each(document.get("segments"), "segments", one)


def _assemblyai(document: Document) -> list[Utterance]:
    """Times in integer milliseconds."""

    def one(item: Document, at: str) -> Utterance:
        return Utterance(
            _whole_ms(item, "start", at),
            _whole_ms(item, "end", at),
            label_of(_text(item, "speaker", at) or ""),
            _text(item, "text", at) or "",
        )

    return _each(document.get("utterances"), "utterances", one)


def _deepgram(document: Document) -> list[Utterance]:
    """Times in seconds; speakers are numbers."""
    results = document.get("results")
    if not isinstance(results, dict):
        raise malformed("it is no object", at="results")

    def one(item: Document, at: str) -> Utterance:
        speaker = item.get("speaker")
        if speaker is not None and (isinstance(speaker, bool) or not isinstance(speaker, int)):
            raise malformed("a speaker is a number", at=f"{at}.speaker")
        label = UNKNOWN if speaker is None else f"Speaker {speaker}"
        text = _text(item, "transcript", at) or ""
        return Utterance(_seconds(item, "start", at), _seconds(item, "end", at), label, text)

    return _each(results.get("utterances"), "results.utterances", one)


DIALECTS: Mapping[str, Callable[[Document], list[Utterance]]] = {
    "mina": _mina,
    "assemblyai": _assemblyai,
    "deepgram": _deepgram,
}


def _each(items: Any, at: str, one: Callable[[Document, str], Utterance]) -> list[Utterance]:
    if not isinstance(items, list):
        raise malformed("a list is missing", at=at)
    utterances = []
    for index, item in enumerate(items):
        place = f"{at}[{index}]"
        if not isinstance(item, dict):
            raise malformed("it is no object", at=place)
        utterances.append(one(item, place))
    return utterances


def _number(item: Document, name: str, at: str) -> int | float:
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise malformed("a number is missing", at=f"{at}.{name}")
    return value


def _seconds(item: Document, name: str, at: str) -> int:
    try:
        return milliseconds(float(_number(item, name, at)))
    except (ValueError, OverflowError):
        raise malformed("a time must be between 0 s and a week", at=f"{at}.{name}") from None


def _whole_ms(item: Document, name: str, at: str) -> int:
    value = _number(item, name, at)
    if not isinstance(value, int) or not 0 <= value <= 7 * 24 * 3600 * 1000:
        raise malformed("a time is a whole number of milliseconds, at most a week", at=f"{at}.{name}")
    return value


def _text(item: Document, name: str, at: str) -> str | None:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise malformed("a text is no text", at=f"{at}.{name}")
    return value
