"""An entry: a stored answer, the tokens it was read under, and the versioned binary envelope of both.

Envelope, version 1, little-endian: magic `MN`, version, flags (bit 0: zstd; from bit 1: codec); CRC-32 of all
that follows, begun at the flags; created, fresh until and stale until (seconds since the epoch, float64), load
seconds (float32), status, size of the body before compression; then length-prefixed canonical key, epoch, tags
with tokens, headers; then the body.
"""

import math
import struct
import zlib
from functools import lru_cache
from typing import NamedTuple

MAGIC = b"MN"
VERSION = 1
FLAG_ZSTD = 1
CODEC_SHIFT = 1

_HEAD = struct.Struct("<2sBBI")
_FIXED = struct.Struct("<dddfHI")
_LENGTH = struct.Struct("<H")

Headers = tuple[tuple[bytes, bytes], ...]


class UndecodableEntry(ValueError):
    """Bytes that are no entry of ours: damaged, truncated, or of another version."""


class Entry(NamedTuple):
    """An immutable answer; times are seconds since the epoch, `body` is zstd where `compressed` says so."""

    key: str
    body: bytes
    status: int
    headers: Headers
    created: float
    fresh_until: float
    stale_until: float
    load_seconds: float
    epoch: bytes
    tags: tuple[str, ...]
    tokens: tuple[bytes, ...]
    compressed: bool
    size: int
    codec: int = 0

    def is_fresh(self, now: float) -> bool:
        """Whether its TTL has not run out at `now`."""
        return now < self.fresh_until

    def age(self, now: float) -> int:
        """Whole seconds since it was made, never negative (RFC 9111 section 5.1)."""
        return max(0, int(now - self.created))

    def ttl(self, now: float) -> int:
        """Seconds of freshness left, rounded up; negative once stale (RFC 9211 section 2.3)."""
        return math.ceil(self.fresh_until - now)


def encode(entry: Entry) -> bytes:
    """The envelope's bytes."""
    times = (entry.created, entry.fresh_until, entry.stale_until, entry.load_seconds)
    length = _LENGTH.pack
    key = entry.key.encode()
    parts = [
        _FIXED.pack(*times, entry.status, entry.size),
        length(len(key)),
        key,
        _encoded_tokens(entry.epoch, entry.tags, entry.tokens),
        length(len(entry.headers)),
    ]
    for name, value in entry.headers:
        parts += (length(len(name)), name, length(len(value)), value)
    rest = b"".join((*parts, entry.body))
    flags = entry.codec << CODEC_SHIFT | (FLAG_ZSTD if entry.compressed else 0)
    return _HEAD.pack(MAGIC, VERSION, flags, _checksum(flags, rest)) + rest


@lru_cache(1024)
def _encoded_tokens(epoch: bytes, tags: tuple[str, ...], tokens: tuple[bytes, ...]) -> bytes:
    """Of many entries they are the same: of all that a user got since the last write that concerned them."""
    length = _LENGTH.pack
    parts = [length(len(epoch)), epoch, length(len(tags))]
    for tag, token in zip(tags, tokens, strict=True):
        name = tag.encode()
        parts += (length(len(name)), name, length(len(token)), token)
    return b"".join(parts)


def decode(data: bytes) -> Entry:
    """The entry in `data`; raises UndecodableEntry for anything that `encode` did not write."""
    try:
        return _decode(data)
    except (struct.error, UnicodeDecodeError, IndexError) as failure:
        raise UndecodableEntry("truncated or damaged") from failure


def _decode(data: bytes) -> Entry:
    magic, version, flags, checksum = _HEAD.unpack_from(data)
    if magic != MAGIC or version != VERSION:
        raise UndecodableEntry("not an entry of this version")
    rest = memoryview(data)[_HEAD.size :]
    if _checksum(flags, rest) != checksum:
        raise UndecodableEntry("checksum differs")
    created, fresh_until, stale_until, load_seconds, status, size = _FIXED.unpack_from(rest)
    reader = _Reader(rest, _FIXED.size)
    key = reader.text().decode()
    epoch = reader.text()
    pairs = [(reader.text().decode(), reader.text()) for _ in range(reader.length())]
    headers = tuple((reader.text(), reader.text()) for _ in range(reader.length()))
    return Entry(
        key=key,
        body=bytes(rest[reader.offset :]),
        status=status,
        headers=headers,
        created=created,
        fresh_until=fresh_until,
        stale_until=stale_until,
        load_seconds=load_seconds,
        epoch=epoch,
        tags=tuple(tag for tag, _ in pairs),
        tokens=tuple(token for _, token in pairs),
        compressed=bool(flags & FLAG_ZSTD),
        size=size,
        codec=flags >> CODEC_SHIFT,
    )


def _checksum(flags: int, rest: bytes | memoryview) -> int:
    return zlib.crc32(rest, flags)


class _Reader:
    __slots__ = ("data", "offset")

    def __init__(self, data: memoryview, offset: int) -> None:
        self.data = data
        self.offset = offset

    def length(self) -> int:
        (value,) = _LENGTH.unpack_from(self.data, self.offset)
        self.offset += _LENGTH.size
        return int(value)

    def text(self) -> bytes:
        end = self.length() + self.offset
        value = bytes(self.data[self.offset : end])
        if len(value) != end - self.offset:
            raise UndecodableEntry("truncated")
        self.offset = end
        return value
