"""SubRip: numbered cues without voices; who speaks stands as `Name:` before the text, and stays until the next.

Our own reader: the format has no standard, and the `srt` package refuses the missing numbers that we take.
A prefix is a name if it looks like one (one to four words, each beginning with a capital, a digit or a letter
of a script without capitals), or if every cue of the file has one, as in the files that we write.
"""

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from mina_api.transcripts.formats.limits import MAX_SEGMENTS, UNKNOWN, at_most, label_of, malformed
from mina_api.transcripts.formats.lines import blocks_of, lines_of
from mina_api.transcripts.formats.markup import BLANKS, decoded, escaped, without_tags
from mina_api.transcripts.formats.times import is_timing, stamp, timing
from mina_api.transcripts.segments import Utterance

_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
_PREFIX = re.compile(r"([^:]{1,2000}?):(?:[ \t]+|$)")
_NUMBER = re.compile(r"\d+")


def read(file: BinaryIO) -> Iterator[Utterance]:
    """The utterances of a SubRip file; raises InvalidInput.

    Its cues are held: only the last of them tells whether every one has a prefix.
    """
    cues = list(at_most(MAX_SEGMENTS, (_cue(number, block) for number, block in blocks_of(lines_of(file)))))
    everywhere = all(_PREFIX.match(payload) for _, _, payload in cues)
    speaker = UNKNOWN
    for start_ms, end_ms, payload in cues:
        prefix = _PREFIX.match(payload)
        text = payload
        if prefix is not None and (everywhere or _looks_like_a_name(prefix.group(1))):
            speaker = label_of(decoded(prefix.group(1)))
            text = payload[prefix.end() :]
        yield Utterance(start_ms, end_ms, speaker, decoded(text))


def _cue(number: int, block: list[str]) -> tuple[int, int, str]:
    at = 0 if is_timing(block[0]) else 1
    if at >= len(block) or not is_timing(block[at]) or (at == 1 and not _NUMBER.fullmatch(block[0].strip())):
        raise malformed("a cue is a number, a line of times, and text", line=number)
    start_ms, end_ms = timing(block[at], number + at)
    later = next((index for index, line in enumerate(block[at + 1 :], at + 1) if is_timing(line)), None)
    if later is not None:
        raise malformed("a cue's text holds `-->`: is a blank line missing?", line=number + later)
    payload = " ".join(line.strip(BLANKS) for line in block[at + 1 :])
    return start_ms, end_ms, without_tags(_OVERRIDE.sub("", payload)).strip(BLANKS)


def _looks_like_a_name(prefix: str) -> bool:
    words = prefix.split()
    return 1 <= len(words) <= 4 and all(
        word[0].isdigit() or (word[0].isalpha() and not word[0].islower()) for word in words
    )


def write(utterances: Sequence[Utterance]) -> bytes:
    """A SubRip file, `Name: text` in every cue; `read` gives back the same."""
    parts = []
    for number, each in enumerate(utterances, 1):
        times = f"{stamp(each.start_ms, ',')} --> {stamp(each.end_ms, ',')}"
        name = _plain(each.speaker).replace(":", "&#58;")
        parts.append(f"{number}\n{times}\n{name}: {_plain(each.text)}\n\n")
    return "".join(parts).encode()


def _plain(text: str) -> str:
    return escaped(text).replace("{", "&#123;")
