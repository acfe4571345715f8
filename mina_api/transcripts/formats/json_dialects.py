"""JSON transcripts: ours, AssemblyAI's and Deepgram's; told by name or by shape, units are never guessed."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from mina_api.errors import InvalidInput
from mina_api.transcripts.formats.json_events import Events, Fault, elements, is_nested, members, skip, walked
from mina_api.transcripts.formats.limits import MAX_MS, UNKNOWN, label_of, milliseconds
from mina_api.transcripts.segments import Utterance

Item = Mapping[str, Any]
_NESTED = object()


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where its list of utterances stands, and what an item of it says; the place is for the failure."""

    path: tuple[str, ...]
    utterance: Callable[[Item, str], Utterance]


def read(file: BinaryIO, dialect: str | None) -> Iterator[Utterance]:
    """The utterances of a JSON document in `dialect`, or in the one whose shape it has; raises InvalidInput."""
    if dialect is not None and dialect not in DIALECTS:
        raise InvalidInput(f"`format` is one of: {', '.join(DIALECTS)}.")
    return walked(file, partial(_document, list(DIALECTS.values()) if dialect is None else [DIALECTS[dialect]]))


def _document(dialects: list[Dialect], events: Events) -> Iterator[Utterance]:
    if next(events)[0] != "start_map":
        raise Fault("it is no object", "the top")
    shapes = {each.path[0]: each for each in dialects}
    for name, event in _one_of(shapes, events, "the top"):
        yield from _list(shapes[name], events, event)


def _list(dialect: Dialect, events: Events, event: str, depth: int = 1) -> Iterator[Utterance]:
    """The dialect's list, in the value that stands at the first `depth` names of its path."""
    at = ".".join(dialect.path[:depth])
    if depth < len(dialect.path):
        if event != "start_map":
            raise Fault("it is no object", at)
        for _, inner in _one_of(dialect.path[depth : depth + 1], events, at):
            yield from _list(dialect, events, inner, depth + 1)
        return
    if event != "start_array":
        raise Fault("it is no list", at)
    for index, (first, _) in enumerate(elements(events)):
        place = f"{at}[{index}]"
        if first != "start_map":
            raise Fault("it is no object", place)
        yield dialect.utterance(_item(events), place)


def _one_of(names: Collection[str], events: Events, at: str) -> Iterator[tuple[str, str]]:
    """Name and first event of the one member among `names` of the object just opened; the rest is passed over."""
    found: str | None = None
    for name, event, _ in members(events):
        if name not in names:
            skip(events, event)
        elif found is not None:
            raise Fault(f"it has `{name}` twice" if found == name else _choose(f"both `{found}` and `{name}`"), at)
        else:
            found = name
            yield name, event
    if found is None:
        known = [f"`{name}`" for name in names]
        raise Fault(f"it has no {known[0]}" if len(known) == 1 else _choose(f"neither {', nor '.join(known)}"), at)


def _choose(has: str) -> str:
    return f"it has {has}: say which dialect it is by `format=`"


def _item(events: Events) -> Item:
    """What is known of the fields of the object just opened; of a nested one, that it is there."""
    item: dict[str, Any] = {}
    for name, event, value in members(events):
        skip(events, event)
        if name in _FIELDS:
            item[name] = _NESTED if is_nested(event) else value
    return item


def _mina(item: Item, at: str) -> Utterance:
    speaker = label_of(_text(item, "speaker", at) or "")
    return Utterance(_seconds(item, "start", at), _seconds(item, "end", at), speaker, _text(item, "text", at) or "")


def _assemblyai(item: Item, at: str) -> Utterance:
    """Times in integer milliseconds."""
    speaker = label_of(_text(item, "speaker", at) or "")
    return Utterance(_whole_ms(item, "start", at), _whole_ms(item, "end", at), speaker, _text(item, "text", at) or "")


def _deepgram(item: Item, at: str) -> Utterance:
    """Times in seconds; speakers are numbers."""
    speaker = item.get("speaker")
    if speaker is not None and (isinstance(speaker, bool) or not isinstance(speaker, int)):
        raise Fault("a speaker is a number", f"{at}.speaker")
    label = UNKNOWN if speaker is None else f"Speaker {speaker}"
    text = _text(item, "transcript", at) or ""
    return Utterance(_seconds(item, "start", at), _seconds(item, "end", at), label, text)


DIALECTS: Mapping[str, Dialect] = {
    "mina": Dialect(("segments",), _mina),
    "assemblyai": Dialect(("utterances",), _assemblyai),
    "deepgram": Dialect(("results", "utterances"), _deepgram),
}
_FIELDS = frozenset(("speaker", "start", "end", "text", "transcript"))


def _number(item: Item, name: str, at: str) -> int | float:
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Fault("a number is missing", f"{at}.{name}")
    return value


def _seconds(item: Item, name: str, at: str) -> int:
    try:
        return milliseconds(float(_number(item, name, at)))
    except (ValueError, OverflowError):
        raise Fault("a time must be between 0 s and a week", f"{at}.{name}") from None


def _whole_ms(item: Item, name: str, at: str) -> int:
    value = _number(item, name, at)
    if not isinstance(value, int) or not 0 <= value <= MAX_MS:
        raise Fault("a time is a whole number of milliseconds, at most a week", f"{at}.{name}")
    return value


def _text(item: Item, name: str, at: str) -> str | None:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise Fault("a text is no text", f"{at}.{name}")
    return value
