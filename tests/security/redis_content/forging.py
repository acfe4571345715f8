"""What a hostile Redis can have under a key, made of what is there: entries that are none, or not this key's."""

import functools
import math
import pickle
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import zstandard

from mina_api.cache.entry import Entry, decode, encode

BOMB_BYTES = 256 * 1024 * 1024
MARK = "hostile-content"


class Bomb:
    """What is called where it is unpickled."""

    went_off = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return (_go_off, ())


def _go_off() -> str:
    Bomb.went_off += 1
    return MARK


@functools.cache
def packed(size: int, *, tells_size: bool) -> bytes:
    """`size` zeros in zstd, some kilobytes for hundreds of megabytes; made once, which takes a while."""
    compressor = zstandard.ZstdCompressor(write_content_size=tells_size).compressobj(*((size,) if tells_size else ()))
    zeros = bytes(1024 * 1024)
    parts = [compressor.compress(zeros) for _ in range(size // len(zeros))]
    return b"".join((*parts, compressor.flush()))


def of_version(data: bytes, version: int) -> bytes:
    """An entry's bytes as another version of the envelope."""
    return data[:2] + bytes((version,)) + data[3:]


def resealed(data: bytes, change: Callable[[bytearray], None]) -> bytes:
    """An entry's bytes after `change`, with a checksum that fits."""
    changed = bytearray(data)
    change(changed)
    struct.pack_into("<I", changed, 4, zlib.crc32(bytes(changed[8:]), changed[3]))
    return bytes(changed)


def forgeries(own: bytes, others: bytes) -> Mapping[str, bytes]:
    """Hostile bytes by what they are; `own` and `others` are entries of this key and of another."""
    entry, other = decode(own), decode(others)
    size, trap = 100_000, pickle.dumps(Bomb())
    return {
        "nothing": b"",
        "random bytes": bytes((7 * number) % 251 for number in range(4000)),
        "half an entry": own[: len(own) // 2],
        "all but a byte": own[:-1],
        "the head alone": own[:8],
        "a changed byte": own[:-1] + bytes((own[-1] ^ 1,)),
        "lengths beyond the end": resealed(own, lambda data: data.__setitem__(slice(46, 48), b"\xff\xff")),
        "another key's entry": others,
        "another key's entry under this key's tokens": encode(
            other._replace(tags=entry.tags, tokens=entry.tokens, epoch=entry.epoch)
        ),
        "an entry under tokens that never were": encode(
            entry._replace(body=MARK.encode(), tokens=tuple(b"x" * 16 for _ in entry.tokens))
        ),
        "an entry without tags": encode(entry._replace(body=MARK.encode(), tags=(), tokens=())),
        "an entry of another server": encode(entry._replace(body=MARK.encode(), epoch=b"another")),
        "an older version": of_version(own, 0),
        "a newer version": of_version(own, 2),
        "a pickle": trap,
        "an entry of a pickle": _of(entry, trap, size=len(trap), codec=3, compressed=False),
        "a status that is never kept": encode(entry._replace(status=500)),
        "headers that are never kept": encode(entry._replace(headers=((b"set-cookie", b"a=b"),))),
        "a header in a header": encode(entry._replace(headers=((b"etag", b'"a"\r\nset-cookie: a=b'),))),
        "60,000 headers": encode(entry._replace(headers=((b"etag", b'"a"'),) * 60_000)),
        "no zstd where it says so": _of(entry, MARK.encode()),
        "zstd that is damaged": _of(entry, _damaged(size), size=size),
        "zstd of another size than it says": _of(entry, zstandard.compress(bytes(size)), size=size - 1),
        "a bomb that says its size": _of(entry, packed(BOMB_BYTES, tells_size=True), size=BOMB_BYTES),
        "a bomb that says another size": _of(entry, packed(BOMB_BYTES, tells_size=True), size=size),
        **of_no_time(entry),
        "a bomb that says no size": _of(entry, packed(BOMB_BYTES, tells_size=False), size=size),
    }


def of_no_time(entry: Entry) -> Mapping[str, bytes]:
    """Entries of times that no clock shows, at which an endless one would be served."""
    never = (math.nan, math.inf, -math.inf, -1.0, 1e30)
    return {
        **{f"made at {time}": encode(entry._replace(created=time)) for time in never},
        **{f"fresh until {time}": encode(entry._replace(fresh_until=time)) for time in never},
        **{f"kept until {time}": encode(entry._replace(stale_until=time)) for time in never},
        **{f"loaded in {time} s": encode(entry._replace(load_seconds=time)) for time in never},
        "fresh before it was made": encode(entry._replace(created=entry.fresh_until + 1)),
    }


def _of(entry: Entry, body: bytes, *, size: int = 1000, compressed: bool = True, codec: int = 0) -> bytes:
    return encode(entry._replace(body=body, size=size, compressed=compressed, codec=codec))


def _damaged(size: int) -> bytes:
    """A frame with the right head, and a body that is none."""
    frame = bytearray(zstandard.compress(bytes(range(256)) * (size // 256) + bytes(size % 256)))
    frame[-20:] = b"\xff" * 20
    return bytes(frame)
