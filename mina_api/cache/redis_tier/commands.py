"""The commands of a read, as the server reads them (Redis serialization protocol), and what their replies say."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from redis.exceptions import InvalidResponse, ResponseError

Pairs = Sequence[tuple[bytes, bytes]]

# Ours have 17: what is longer is cut off there, and is no token of an entry's.
MOST_TOKEN_BYTES = 63


def text(name: str, most_bytes: int) -> tuple[Any, ...]:
    """The command for the string under `name`: of a longer one, a byte more than `most_bytes`."""
    return ("GETRANGE", name, 0, most_bytes)


def packed(name: str, most_bytes: int) -> bytes:
    """The same command as the server reads it (Redis serialization protocol)."""
    raw, last = name.encode(), b"%d" % most_bytes
    return b"*4\r\n$8\r\nGETRANGE\r\n$%d\r\n%b\r\n$1\r\n0\r\n$%d\r\n%b\r\n" % (len(raw), raw, len(last), last)


@lru_cache(4096)
def packed_tokens(names: tuple[str, ...]) -> bytes:
    """Those of some tokens, one right after the other: most requests ask for a few tags' of many."""
    return b"".join([packed(name, MOST_TOKEN_BYTES) for name in names])


def texts(replies: Sequence[Any]) -> list[bytes | None]:
    """What such commands found: None for nothing, and for what is no string; raises any other failure among them."""
    return [reply or None if type(reply) is bytes else _none_of(reply) for reply in replies]


def number(reply: object) -> int:
    """What a script says that says a number; raises the failure that came in its place."""
    if type(reply) is int:
        return reply
    raise reply if isinstance(reply, BaseException) else InvalidResponse("a reply to a script that is no number")


def removed(reply: object) -> int:
    """How many entries UNLINK has removed; raises InvalidResponse."""
    if not isinstance(reply, int):
        raise InvalidResponse("a reply to UNLINK that is none")
    return reply


def tokens(reply: object) -> tuple[bytes | None, ...]:
    """The tokens that a script gives, None for one that it has not; raises InvalidResponse."""
    if not isinstance(reply, list) or not all(each is None or (type(each) is bytes and each) for each in reply):
        raise _none("tokens")
    return tuple(reply)


def waits(reply: object) -> tuple[float, dict[str, float]]:
    """How long to wait for processes that are not known, and for each that is, in seconds; raises InvalidResponse."""
    if not isinstance(reply, list) or len(reply) % 2 == 0:
        raise InvalidResponse("an announcement that says not whom to wait for")
    names, (unknown, *left) = reply[1::2], reply[::2]
    if not _are_bytes(names) or not all(type(each) is int for each in (unknown, *left)):
        raise InvalidResponse("an announcement that says not for how long to wait")
    known = {name.decode("utf-8", "replace"): each / 1000 for name, each in zip(names, left, strict=True)}
    return unknown / 1000, known


def scanned(reply: object) -> tuple[int, list[bytes]]:
    """Where the next SCAN of a server begins, 0 after the last, and the names of this one; raises InvalidResponse."""
    match reply:
        case [bytes(following), list(names)] if following.isdigit() and _are_bytes(names):
            return int(following), names
    raise InvalidResponse("a reply to SCAN that is none")


def listed(reply: object, what: str = "items") -> list[bytes]:
    """The texts of a list; raises InvalidResponse, by which they are no `what`."""
    if not isinstance(reply, list) or not _are_bytes(reply):
        raise _none(what)
    return reply


def pairs(reply: object, what: str) -> Pairs:
    """Names and values in pairs, as a script has them by turns; raises InvalidResponse as `listed` does."""
    parts = listed(reply, what)
    if len(parts) % 2:
        raise _none(what)
    return tuple(zip(parts[::2], parts[1::2], strict=True))


def fields(reply: object) -> tuple[float, Pairs, Pairs]:
    """The server's time, in seconds, and the fields of two hashes; raises InvalidResponse."""
    match reply:
        case [[bytes(seconds), bytes(micros)], one, other] if seconds.isdigit() and micros.isdigit():
            return int(seconds) + int(micros) / 1e6, pairs(one, "fields"), pairs(other, "fields")
    raise _none("fields")


def _none(what: str) -> InvalidResponse:
    return InvalidResponse(f"{what} that are none")


def _are_bytes(parts: Sequence[object]) -> bool:
    return all(type(each) is bytes for each in parts)


def _none_of(reply: object) -> bytes | None:
    if isinstance(reply, ResponseError) and str(reply).startswith("WRONGTYPE"):
        return None
    raise reply if isinstance(reply, BaseException) else InvalidResponse("a reply to GETRANGE that is none")
