"""WebVTT (W3C WebVTT, sections 4 and 6), with Zoom's `Name: text` where such a prefix recurs.

Our own reader: `webvtt-py` 0.6 gives only the first voice of a cue and leaves entities undecoded.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from mina_api.transcripts.formats.limits import MAX_SEGMENTS, UNKNOWN, at_most, label_of, malformed
from mina_api.transcripts.formats.lines import Line, blocks_of, lines_of
from mina_api.transcripts.formats.markup import BLANKS, Spoken, escaped, voices
from mina_api.transcripts.formats.times import is_timing, stamp, timing
from mina_api.transcripts.segments import Utterance

_HEADER = re.compile(r"WEBVTT(?:[ \t].*)?")
_NOT_A_CUE = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t].*)?")
_PREFIX = re.compile(r"([^:]{1,100}):[ \t]+(?=\S)")

Cue = tuple[int, int, list[Spoken]]
# Plain tuples of plain values: of 200,000 the garbage collector follows none.
Run = tuple[int, int, str | None, str]


def read(file: BinaryIO) -> Iterator[Utterance]:
    """The utterances of a WebVTT file, one for each voice of each cue; raises InvalidInput.

    What is said is held: only the last cue tells which prefixes recur.
    """
    prefixes: Counter[str] = Counter()
    runs = list(at_most(MAX_SEGMENTS, _runs(_cues(lines_of(file)), prefixes)))
    for start_ms, end_ms, voice, text in runs:
        if voice is not None:
            yield Utterance(start_ms, end_ms, label_of(voice), text)
        elif (match := _PREFIX.match(text)) and prefixes[match.group(1)] > 1:
            yield Utterance(start_ms, end_ms, label_of(match.group(1)), text[match.end() :])
        else:
            yield Utterance(start_ms, end_ms, UNKNOWN, text)


def _runs(cues: Iterable[Cue], prefixes: Counter[str]) -> Iterator[Run]:
    """The runs of `cues`; counts what stands before a colon where a cue has no voice tag to say who speaks."""
    for start_ms, end_ms, spoken in cues:
        if len(spoken) == 1 and spoken[0].voice is None and (match := _PREFIX.match(spoken[0].text)):
            prefixes[match.group(1)] += 1
        for each in spoken:
            yield start_ms, end_ms, each.voice, each.text


def _cues(lines: Iterator[Line]) -> Iterator[Cue]:
    for number, block in blocks_of(_without_header(lines)):
        at = next((index for index, line in enumerate(block[:2]) if is_timing(line)), None)
        if at is None:
            if _NOT_A_CUE.fullmatch(block[0]):
                continue
            raise malformed("a cue has its times in its first or second line", line=number)
        start_ms, end_ms = timing(block[at], number + at)
        later = next((index for index, line in enumerate(block[at + 1 :], at + 1) if is_timing(line)), None)
        if later is not None:
            raise malformed("a cue's text holds `-->`: is a blank line missing?", line=number + later)
        payload = " ".join(line.strip(BLANKS) for line in block[at + 1 :])
        yield start_ms, end_ms, voices(payload)


def _without_header(lines: Iterator[Line]) -> Iterator[Line]:
    """The lines after the header, which ends at a blank line or, where that is forgotten, at a cue's times."""
    _, first = next(lines, (1, ""))
    if not _HEADER.fullmatch(first):
        raise malformed("a WebVTT file begins with WEBVTT", line=1)
    for number, line in lines:
        if not line.strip() or is_timing(line):
            yield number, line
            break
    yield from lines


def write(utterances: Sequence[Utterance]) -> bytes:
    """A WebVTT file, a cue with a voice for each utterance; `read` gives back the same."""
    parts = ["WEBVTT\n"]
    for each in utterances:
        times = f"{stamp(each.start_ms, '.')} --> {stamp(each.end_ms, '.')}"
        parts.append(f"\n{times}\n<v {escaped(each.speaker)}>{escaped(each.text)}\n")
    return "".join(parts).encode()
