"""What a transcript may hold, and how its times and labels are put in order."""

import math
from collections.abc import Iterable, Iterator
from typing import TypeVar

from mina_api.errors import InvalidInput
from mina_api.transcripts.segments import Utterance

T = TypeVar("T")

UNKNOWN = "Unknown"
MAX_MS = 7 * 24 * 3600 * 1000
MAX_SEGMENTS = 200_000
MAX_SPEAKERS = 1_000
MAX_LABEL = 200
MAX_TEXT = 20_000


def malformed(message: str, *, line: int | None = None, at: str | None = None) -> InvalidInput:
    """A failure that names the line, the place in a JSON document, or both."""
    places = [str(at)] * (at is not None) + [f"line {line}"] * (line is not None)
    error = {"line": line, "at": at, "message": message}
    return InvalidInput(
        f"The transcript is malformed at {', '.join(places)}: {message}.",
        errors=[{name: value for name, value in error.items() if value is not None}],
    )


def label_of(name: str) -> str:
    """A speaker's label: white space put in order, never empty."""
    return " ".join(name.split()) or UNKNOWN


def milliseconds(seconds: float) -> int:
    """Seconds as the nearest millisecond; raises ValueError outside of a week."""
    if not math.isfinite(seconds) or not 0 <= seconds * 1000 <= MAX_MS:
        raise ValueError("a time must be between 0 s and a week")
    return round(seconds * 1000)


def at_most(count: int, items: Iterable[T]) -> Iterator[T]:
    """`items`; raises InvalidInput as soon as there are more than `count`."""
    for number, item in enumerate(items, 1):
        if number > count:
            raise InvalidInput(f"A transcript has at most {count} segments.")
        yield item


def checked(utterances: Iterable[Utterance]) -> Iterator[Utterance]:
    """`utterances` as they come.

    Raises InvalidInput for more, or longer, than a transcript may hold, and for text that cannot be stored.
    """
    labels: set[str] = set()
    for number, each in enumerate(at_most(MAX_SEGMENTS, utterances), 1):
        at = f"segment {number}"
        if len(each.speaker) > MAX_LABEL:
            raise malformed(f"a speaker's label is longer than {MAX_LABEL} characters", at=at)
        if len(each.text) > MAX_TEXT:
            raise malformed(f"its text is longer than {MAX_TEXT} characters", at=at)
        if max(each.start_ms, each.end_ms) > MAX_MS:
            raise malformed("a time is later than a week", at=at)
        if not _is_storable(each.speaker) or not _is_storable(each.text):
            raise malformed("a NUL character or half a surrogate pair", at=at)
        labels.add(each.speaker)
        if len(labels) > MAX_SPEAKERS:
            raise InvalidInput(f"A transcript has at most {MAX_SPEAKERS} speakers.")
        yield each


def _is_storable(text: str) -> bool:
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
