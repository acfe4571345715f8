"""What a transcript may hold, and how its times and labels are put in order."""

import math
from collections.abc import Sequence

from mina_api.errors import InvalidInput
from mina_api.transcripts.segments import Utterance

UNKNOWN = "Unknown"
MAX_MS = 7 * 24 * 3600 * 1000
MAX_SEGMENTS = 200_000
MAX_SPEAKERS = 1_000
MAX_LABEL = 200
MAX_TEXT = 20_000


def malformed(message: str, *, line: int | None = None, at: str | None = None) -> InvalidInput:
    """A failure that names the line, or the place in a JSON document."""
    where = f"line {line}" if line is not None else at
    error = {"line": line, "message": message} if line is not None else {"at": at, "message": message}
    return InvalidInput(f"The transcript is malformed at {where}: {message}.", errors=[error])


def label_of(name: str) -> str:
    """A speaker's label: white space put in order, never empty."""
    return " ".join(name.split()) or UNKNOWN


def milliseconds(seconds: float) -> int:
    """Seconds as the nearest millisecond; raises ValueError outside of a week."""
    if not math.isfinite(seconds) or not 0 <= seconds * 1000 <= MAX_MS:
        raise ValueError("a time must be between 0 s and a week")
    return round(seconds * 1000)


def check(utterances: Sequence[Utterance]) -> None:
    """Raises InvalidInput for more, or longer, than a transcript may hold, and for text that cannot be stored."""
    if len(utterances) > MAX_SEGMENTS:
        raise InvalidInput(f"A transcript has at most {MAX_SEGMENTS} segments, not {len(utterances)}.")
    if len({each.speaker for each in utterances}) > MAX_SPEAKERS:
        raise InvalidInput(f"A transcript has at most {MAX_SPEAKERS} speakers.")
    for number, each in enumerate(utterances, 1):
        if len(each.speaker) > MAX_LABEL:
            raise malformed(f"a speaker's label is longer than {MAX_LABEL} characters", at=f"segment {number}")
        if len(each.text) > MAX_TEXT:
            raise malformed(f"its text is longer than {MAX_TEXT} characters", at=f"segment {number}")
        if max(each.start_ms, each.end_ms) > MAX_MS:
            raise malformed("a time is later than a week", at=f"segment {number}")
        if not _is_storable(each.speaker) or not _is_storable(each.text):
            raise malformed("a NUL character or half a surrogate pair", at=f"segment {number}")


def _is_storable(text: str) -> bool:
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
