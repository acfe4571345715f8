"""A text file as numbered lines."""

import re

from mina_api.transcripts.formats.limits import malformed

_ENDS = re.compile(r"\r\n|\n|\r")


def lines_of(data: bytes) -> list[str]:
    """The lines of a UTF-8 file, whatever ends them, without a byte order mark; raises InvalidInput."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = len(_ENDS.findall(data[: failure.start].decode("utf-8-sig", "replace"))) + 1
        raise malformed("it is not UTF-8", line=line) from None
    return _ENDS.split(text)


def blocks_of(lines: list[str], first: int) -> list[tuple[int, list[str]]]:
    """Runs of lines that are not blank, from index `first` on, each with the number of its first line."""
    blocks: list[tuple[int, list[str]]] = []
    current: list[str] = []
    for index in range(first, len(lines) + 1):
        if index < len(lines) and lines[index].strip():
            current.append(lines[index])
        elif current:
            blocks.append((index - len(current) + 1, current))
            current = []
    return blocks
