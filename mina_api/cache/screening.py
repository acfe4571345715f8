"""What an entry from the tier can look like: whoever writes there may have written it, and its checksum is no secret.

Only encryption tells whether a well-formed entry is ours; here is refused what we never store, whoever wrote it.
"""

import zstandard

from mina_api.cache.entry import Entry, Headers, UndecodableEntry
from mina_api.cache.http import STORED_HEADERS

STATUSES = frozenset((200, 404))
NAMES = STORED_HEADERS | {b"vary"}
MOST_HEADERS = 32
# The year 3000: what no clock of ours shows, and every part of ours can write.
MOST_SECONDS = 32_503_680_000.0
_CONTROLS = bytes(range(32)) + b"\x7f"


def screen(entry: Entry, max_body_bytes: int) -> Entry:
    """`entry`, if we could have stored it; raises UndecodableEntry. Nothing is unpacked for that."""
    if entry.status not in STATUSES:
        raise UndecodableEntry(f"answers of status {entry.status} are not stored")
    if not _are_in_order(entry):
        raise UndecodableEntry("it has times that no clock shows")
    if not _are_ours(entry.headers):
        raise UndecodableEntry("it has headers that are not stored")
    if (_frame_size(entry.body) if entry.compressed else len(entry.body)) != entry.size:
        raise UndecodableEntry("its body is of another size")
    if entry.size > max_body_bytes:
        raise UndecodableEntry(f"{entry.size} bytes are more than an entry may have")
    return entry


def _are_in_order(entry: Entry) -> bool:
    """Whether its times are some: what is not a number is in no order."""
    return (
        0 <= entry.created <= entry.fresh_until <= entry.stale_until < MOST_SECONDS
        and 0 <= entry.load_seconds < MOST_SECONDS
    )


def _are_ours(headers: Headers) -> bool:
    return len(headers) <= MOST_HEADERS and all(
        name in NAMES and len(value.translate(None, _CONTROLS)) == len(value) for name, value in headers
    )


def _frame_size(body: bytes) -> int:
    """What a zstd frame says that it unpacks to: endless where it does not say, negative where it is none."""
    try:
        return zstandard.get_frame_parameters(body).content_size
    except zstandard.ZstdError:
        return -1
