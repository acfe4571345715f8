"""RTTM: turns of speakers without text (NIST, Rich Transcription evaluation plan, appendix A)."""

from collections.abc import Iterator
from typing import BinaryIO

from mina_api.transcripts.formats.limits import label_of, malformed, milliseconds
from mina_api.transcripts.formats.lines import lines_of
from mina_api.transcripts.segments import Utterance

TYPES = frozenset(
    ("SPEAKER", "SPKR-INFO", "LEXEME", "NON-LEX", "NON-SPEECH", "SEGMENT", "NOSCORE", "NO_RT_METADATA", "FILLER")
) | frozenset(("IP", "SU", "EDIT", "CB", "A/P"))


def read(file: BinaryIO) -> Iterator[Utterance]:
    """The SPEAKER lines of an RTTM file; other types of the format are passed over. Raises InvalidInput."""
    for number, line in lines_of(file):
        fields = line.split()
        if not fields or fields[0].startswith(";;"):
            continue
        if fields[0] not in TYPES:
            raise malformed("a line of RTTM begins with its type, such as SPEAKER", line=number)
        if fields[0] == "SPEAKER":
            yield _turn(fields, number)


def _turn(fields: list[str], number: int) -> Utterance:
    if len(fields) < 8:
        raise malformed("a SPEAKER line has a start, a duration and a name in fields 4, 5 and 8", line=number)
    try:
        start, duration = float(fields[3]), float(fields[4])
        if duration < 0:
            raise ValueError("a duration must not be negative")
        return Utterance(milliseconds(start), milliseconds(start + duration), label_of(fields[7]), "")
    except ValueError as failure:
        raise malformed(str(failure), line=number) from None
