"""A stored answer as it goes out to one request: a pure matter of the entry, the time, and two request headers."""

from collections.abc import Sequence
from typing import NamedTuple

from mina_api.cache.compression import UndecodableBody, plain_body
from mina_api.cache.entry import Entry
from mina_api.cache.http import NOT_MODIFIED_HEADERS, answer_headers, matches, takes_zstd
from mina_api.cache.outcome import Served
from mina_api.cache.serializers import BYTES

Header = tuple[bytes, bytes]


class Answer(NamedTuple):
    """Status, headers and body, ready to be sent."""

    status: int
    headers: list[Header]
    body: bytes


def respond(
    served: Served,
    entry: Entry,
    now: float,
    max_body_bytes: int,
    *,
    if_none_match: str = "",
    accept_encoding: str = "",
    from_dependencies: Sequence[Header] = (),
) -> Answer:
    """What `entry` comes to: whole, in zstd for who takes that, or a 304 for who has it.

    Raises UndecodableBody.
    """
    if entry.codec != BYTES:
        raise UndecodableBody("it is a value, and no answer")
    headers = [*entry.headers, *answer_headers(served, now), *from_dependencies]
    if is_had(entry, if_none_match):
        kept = [(name, value) for name, value in headers if name in NOT_MODIFIED_HEADERS]
        return Answer(304, [*kept, *from_dependencies], b"")
    if entry.compressed and takes_zstd(accept_encoding):
        headers.append((b"content-encoding", b"zstd"))
        body = entry.body
    else:
        body = plain_body(entry, max_body_bytes)
    return Answer(entry.status, [*headers, (b"content-length", str(len(body)).encode())], body)


def is_had(entry: Entry, if_none_match: str) -> bool:
    """Whether who asks has this very answer already (RFC 9110 section 13.1.2)."""
    if not if_none_match or entry.status != 200:
        return False
    etag = next((value.decode("latin-1") for name, value in entry.headers if name == b"etag"), None)
    return etag is not None and matches(if_none_match, etag)
