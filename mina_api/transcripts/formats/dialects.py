"""Which reader and which writer a request means."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from mina_api.errors import InvalidInput, UnsupportedMedia
from mina_api.transcripts.formats import json_dialects, rttm, srt, txt, vtt
from mina_api.transcripts.formats.limits import checked
from mina_api.transcripts.segments import Utterance

Reader = Callable[[BinaryIO], Iterable[Utterance]]

IMPORTS: Mapping[str, Reader] = {
    "text/vtt": vtt.read,
    "application/x-subrip": srt.read,
    "text/srt": srt.read,
    "application/srt": srt.read,
    "text/x-rttm": rttm.read,
}
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Export:
    """A format to write: its media type and its writer."""

    media_type: str
    write: Callable[[Sequence[Utterance]], bytes]


EXPORTS: Mapping[str, Export] = {
    "vtt": Export("text/vtt; charset=utf-8", vtt.write),
    "srt": Export("application/x-subrip; charset=utf-8", srt.write),
    "txt": Export("text/plain; charset=utf-8", txt.write),
}


def parse(file: BinaryIO, media_type: str, dialect: str | None = None) -> list[Utterance]:
    """The utterances of a file, ordered by (start, end, given order); the file is read piece by piece.

    `dialect` names one of JSON's (mina, assemblyai, deepgram) where its shape shall not tell. Raises
    UnsupportedMedia for a media type that is not read, InvalidInput, naming the line, for a malformed file.
    """
    essence = media_type.partition(";")[0].strip().lower()
    if essence == JSON:
        utterances: Iterable[Utterance] = json_dialects.read(file, dialect)
    elif (reader := IMPORTS.get(essence)) is not None:
        if dialect is not None:
            raise InvalidInput("`format` tells JSON's dialects apart: it means nothing for this media type.")
        utterances = reader(file)
    else:
        known = ", ".join((JSON, *IMPORTS))
        raise UnsupportedMedia(f"A transcript is one of: {known}.")
    return sorted(checked(utterances), key=lambda each: (each.start_ms, each.end_ms))


def export(utterances: Sequence[Utterance], name: str) -> bytes:
    """The file in format `name`, a key of EXPORTS."""
    return EXPORTS[name].write(utterances)
