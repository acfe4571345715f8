"""A JSON document as a stream of events, walked without being built: what nobody asks for takes no memory.

Strict UTF-8 JSON (RFC 8259) as ijson's yajl reads it. Of an escaped half of a surrogate pair, which the RFC leaves
open, it makes `?` (a first half) or refuses it (a second half).
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

import ijson  # type: ignore[import-untyped]

from mina_api.transcripts.formats.limits import malformed

Event = tuple[str, Any]
Events = Iterator[Event]
T = TypeVar("T")

_OPENING = frozenset(("start_map", "start_array"))
_CLOSING = frozenset(("end_map", "end_array"))
_MARK = b"\xef\xbb\xbf"
_PIECE = 256 * 1024
_REASON = re.compile(r"(?:parse|lexical) error: ([^\n\\]+)")


class Fault(Exception):
    """What is wrong with a document, and at which place of it, where that has a name; the line is not known yet."""

    def __init__(self, message: str, at: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


def walked(file: BinaryIO, walk: Callable[[Events], Iterator[T]]) -> Iterator[T]:
    """What `walk` makes of the events of a UTF-8 document; it raises Fault where they are not what they should be.

    Raises InvalidInput, naming the line. A parser fed with pieces knows no lines: a document that fails is read
    again, line by line, up to its failure.
    """
    try:
        yield from _parsed(_Source(file), walk)
    except Fault:
        lines = _Lines(file)
        try:
            deque(_parsed(lines, walk), 0)
        except Fault as fault:
            raise malformed(fault.message, line=lines.number, at=fault.at) from None
        raise


def _parsed(source: "_Source", walk: Callable[[Events], Iterator[T]]) -> Iterator[T]:
    try:
        events = iter(ijson.basic_parse(source, use_float=True, buf_size=_PIECE))
        yield from walk(events)
        deque(events, 0)
    except (ijson.JSONError, UnicodeDecodeError) as failure:
        reason = _REASON.search(str(failure))
        raise Fault(reason.group(1).strip(" .") if reason else "it cannot be read as JSON") from None


class _Source:
    """The file from its beginning, after a byte order mark."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)
        if file.read(len(_MARK)) != _MARK:
            file.seek(0)

    def read(self, size: int) -> bytes:
        return self._file.read(size)


class _Lines(_Source):
    """The same a line at a time; `number` is the line of what was read last, from 1."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.number = 1
        self._ended = 0

    def read(self, size: int) -> bytes:
        piece = self._file.readline(size)
        self.number += self._ended
        self._ended = int(piece.endswith(b"\n"))
        return piece


def members(events: Events) -> Iterator[tuple[str, str, Any]]:
    """Name, first event and its value of each member of the object just opened; a nested value is for the caller."""
    for event, name in events:
        if event == "end_map":
            return
        yield name, *next(events)


def elements(events: Events) -> Iterator[Event]:
    """First event and its value of each element of the array just opened; a nested value is for the caller."""
    for event, value in events:
        if event == "end_array":
            return
        yield event, value


def is_nested(event: str) -> bool:
    """Whether a value that begins with `event` has more."""
    return event in _OPENING


def skip(events: Events, event: str) -> None:
    """Pass over the rest of the value that begins with `event`."""
    depth = int(event in _OPENING)
    while depth:
        event, _ = next(events)
        depth += (event in _OPENING) - (event in _CLOSING)
