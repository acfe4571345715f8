"""Time stamps of subtitles: `[hours:]minutes:seconds[.,]milliseconds`."""

import re

from mina_api.transcripts.formats.limits import MAX_MS, malformed

_STAMP = re.compile(r"(?:(\d{1,6}):)?([0-5]\d):([0-5]\d)[.,](\d{3})", re.ASCII)
_ARROW = re.compile(r"^\s*(\S+)\s+-->\s+(\S+)(?:\s+(.*))?$")


def is_timing(line: str) -> bool:
    """Whether a line can only be a cue's times."""
    return "-->" in line


def timing(line: str, number: int) -> tuple[int, int]:
    """Start and end in milliseconds; raises InvalidInput, naming the line."""
    match = _ARROW.match(line)
    if match is None:
        raise malformed("a cue's times are `start --> end`", line=number)
    return _stamp(match.group(1), number), _stamp(match.group(2), number)


def _stamp(text: str, number: int) -> int:
    match = _STAMP.fullmatch(text)
    if match is None:
        raise malformed(f"`{text[:40]}` is no time", line=number)
    hours, minutes, seconds, thousandths = (int(part or 0) for part in match.groups())
    value = ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths
    if value > MAX_MS:
        raise malformed("a time is later than a week", line=number)
    return value


def stamp(ms: int, point: str) -> str:
    """`ms` with hours, in at least two digits."""
    seconds, thousandths = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{thousandths:03}"
