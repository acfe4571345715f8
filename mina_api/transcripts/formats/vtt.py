"""WebVTT (W3C WebVTT, sections 4 and 6), with Zoom's `Name: text` where such a prefix recurs.

Our own reader: `webvtt-py` 0.6 gives only the first voice of a cue and leaves entities undecoded.
"""

import re
from collections import Counter
from collections.abc import Sequence

from mina_api.transcripts.formats.limits import UNKNOWN, label_of, malformed
from mina_api.transcripts.formats.lines import blocks_of, lines_of
from mina_api.transcripts.formats.markup import BLANKS, Spoken, escaped, voices
from mina_api.transcripts.formats.times import is_timing, stamp, timing
from mina_api.transcripts.segments import Utterance

_HEADER = re.compile(r"WEBVTT(?:[ \t].*)?")
_NOT_A_CUE = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t].*)?")
_PREFIX = re.compile(r"([^:]{1,100}):[ \t]+(?=\S)")

Cue = tuple[int, int, list[Spoken]]


def read(data: bytes) -> list[Utterance]:
    """The utterances of a WebVTT file, one for each voice of each cue; raises InvalidInput."""
    cues = _cues(lines_of(data))
    prefixes = _recurring_prefixes(cues)
    return [
        Utterance(start_ms, end_ms, *_speaker_and_text(each, prefixes))
        for start_ms, end_ms, spoken in cues
        for each in spoken
    ]


def _cues(lines: list[str]) -> list[Cue]:
    if not _HEADER.fullmatch(lines[0]):
        raise malformed("a WebVTT file begins with WEBVTT", line=1)
    first = next((index for index, line in enumerate(lines) if not line.strip() or is_timing(line)), len(lines))
    cues: list[Cue] = []
    for number, block in blocks_of(lines, max(first, 1)):
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
        cues.append((start_ms, end_ms, voices(payload)))
    return cues


def _recurring_prefixes(cues: list[Cue]) -> set[str]:
    """What stands before a colon at the beginning of two cues or more, where no voice tag says who speaks."""
    found: Counter[str] = Counter()
    for _, _, spoken in cues:
        if len(spoken) == 1 and spoken[0].voice is None and (match := _PREFIX.match(spoken[0].text)):
            found[match.group(1)] += 1
    return {prefix for prefix, count in found.items() if count > 1}


def _speaker_and_text(spoken: Spoken, prefixes: set[str]) -> tuple[str, str]:
    if spoken.voice is not None:
        return label_of(spoken.voice), spoken.text
    match = _PREFIX.match(spoken.text)
    if match and match.group(1) in prefixes:
        return label_of(match.group(1)), spoken.text[match.end() :]
    return UNKNOWN, spoken.text


def write(utterances: Sequence[Utterance]) -> bytes:
    """A WebVTT file, a cue with a voice for each utterance; `read` gives back the same."""
    parts = ["WEBVTT\n"]
    for each in utterances:
        times = f"{stamp(each.start_ms, '.')} --> {stamp(each.end_ms, '.')}"
        parts.append(f"\n{times}\n<v {escaped(each.speaker)}>{escaped(each.text)}\n")
    return "".join(parts).encode()
