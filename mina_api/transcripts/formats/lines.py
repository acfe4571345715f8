"""A text file as numbered lines and blocks, read piece by piece: no more than one block is held at a time."""

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from io import IncrementalNewlineDecoder
from typing import BinaryIO

from mina_api.transcripts.formats.limits import malformed

# Characters of one line, or of the lines between two blank ones: fifty times the longest text that is stored.
MAX_BLOCK = 1_000_000
# Read seldom: each read lets go of the interpreter for less time than another thread needs to take it, and its wait
# of 5 ms (`sys.getswitchinterval`) begins anew; a thread that reads 8 KB at a time starves the event loop for seconds.
PIECE_BYTES = 256 * 1024

Line = tuple[int, str]


def lines_of(file: BinaryIO) -> Iterator[Line]:
    """The lines of a UTF-8 file by number from 1, whatever ends them, without a byte order mark.

    Raises InvalidInput, naming the line, for one that is not UTF-8 or longer than MAX_BLOCK.
    """
    number, rest = 1, ""
    for text in _texts(file):
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            yield number, _checked(number, line)
            number += 1
        _checked(number, rest)
    if rest:
        yield number, rest


def _texts(file: BinaryIO) -> Iterator[str]:
    """The file's pieces, every line's end a newline; what is not UTF-8 becomes lone surrogates."""
    decoder = IncrementalNewlineDecoder(getincrementaldecoder("utf-8-sig")("surrogateescape"), translate=True)
    while piece := file.read(PIECE_BYTES):
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _checked(number: int, line: str) -> str:
    if len(line) > MAX_BLOCK:
        raise malformed(f"it is longer than {MAX_BLOCK} characters", line=number)
    if not line.isascii() and not _is_utf8(line):
        raise malformed("it is not UTF-8", line=number)
    return line


def _is_utf8(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def blocks_of(lines: Iterable[Line]) -> Iterator[tuple[int, list[str]]]:
    """Runs of lines that are not blank, each with the number of its first; raises InvalidInput over MAX_BLOCK."""
    block: list[str] = []
    first = size = 0
    for number, line in lines:
        if line.strip():
            first = first if block else number
            size += len(line)
            if size > MAX_BLOCK:
                raise malformed(f"over {MAX_BLOCK} characters follow without a blank line", line=number)
            block.append(line)
        elif block:
            yield first, block
            block, size = [], 0
    if block:
        yield first, block
