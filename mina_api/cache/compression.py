"""Bodies as they are stored: zstd (RFC 8878) over a threshold."""

import zstandard

from mina_api.cache.entry import Entry

# Level 3 takes more of every miss for bodies that are hardly smaller; below 1 they are much larger.
LEVEL = 1

_compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False)


class UndecodableBody(ValueError):
    """A body that does not decompress to its declared size, or that its serializer cannot load."""


def compress(body: bytes, over_bytes: int) -> tuple[bytes, bool]:
    """`body` in zstd if it is larger than `over_bytes` and gets smaller, and whether it was."""
    if len(body) <= over_bytes:
        return body, False
    packed = _compressor.compress(body)
    return (packed, True) if len(packed) < len(body) else (body, False)


def decompress(body: bytes, size: int) -> bytes:
    """The `size` bytes that `compress` packed; raises UndecodableBody, and never allocates more than `size`."""
    try:
        if zstandard.get_frame_parameters(body).content_size != size:
            raise UndecodableBody("the frame declares another size")
        return zstandard.ZstdDecompressor().decompress(body, max_output_size=size)
    except zstandard.ZstdError as failure:
        raise UndecodableBody(str(failure)) from failure


def plain_body(entry: Entry, max_bytes: int) -> bytes:
    """The body of `entry` as its reader wants it; raises UndecodableBody, also for one over `max_bytes`."""
    if not entry.compressed:
        return entry.body
    if entry.size > max_bytes:
        raise UndecodableBody(f"{entry.size} bytes are more than an entry may have")
    return decompress(entry.body, entry.size)
