"""Cue text and its tags (W3C WebVTT, section 6.4), and text written so that it is read back equal."""

import html
import re
from dataclasses import dataclass

_TAG = re.compile(r"<(/?)([^\s<>.]*)((?:\.[^\s<>.]*)*)(?:[ \t\n]+([^<>]*))?>")
BLANKS = " \t"
_EDGE = re.compile(r"^[ \t]+|[ \t]+$")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A run of cue text under one voice; None where no voice tag is open."""

    voice: str | None
    text: str


def voices(payload: str) -> list[Spoken]:
    """The runs of a cue's text by voice, other tags dropped, entities decoded; a voice may say nothing."""
    runs: list[Spoken] = []
    voice: str | None = None
    pieces: list[str] = []
    opened = False

    def close() -> None:
        text = decoded("".join(pieces))
        if text or opened:
            runs.append(Spoken(voice, text))
        pieces.clear()

    position = 0
    for match in _TAG.finditer(payload):
        pieces.append(payload[position : match.start()])
        position = match.end()
        closing, name, _, annotation = match.groups()
        if name != "v":
            continue
        close()
        opened = not closing
        voice = None if closing else html.unescape(annotation or "")
    pieces.append(payload[position:])
    close()
    return runs


def without_tags(text: str) -> str:
    """Text with its tags dropped, its entities as they are."""
    return _TAG.sub("", text)


def decoded(text: str) -> str:
    """Text without blanks at its edges, its entities decoded: what was escaped at the edges stays."""
    return html.unescape(text.strip(BLANKS))


def escaped(text: str) -> str:
    """`text` so that a reader of markup gets it back: entities for what is markup, for line ends, and at its edges."""
    safe = html.escape(text, quote=False).replace("\n", "&#10;").replace("\r", "&#13;")
    return _EDGE.sub(lambda match: "".join(f"&#{ord(each)};" for each in match.group()), safe)
