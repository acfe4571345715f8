"""What a read came to: the answer, where it came from, and why; spelled alike in headers, metrics and logs."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from mina_api.cache.entry import Entry, Headers
from mina_api.cache.memory import UNKNOWN, Fence


class Outcome(StrEnum):
    """How a request was answered."""

    HIT = "hit"
    MISS = "uri-miss"
    STALE = "stale"
    REQUEST = "request"
    BYPASS = "bypass"


class Loaded(NamedTuple):
    """What a loader made, by which serializer (0: none); what is not `storable` may be shared by all who wait.

    `created` is when it was made (seconds since the epoch), where that was before the load.
    """

    body: bytes
    status: int = 200
    headers: Headers = ()
    storable: bool = True
    codec: int = 0
    created: float | None = None


class Served(NamedTuple):
    """One read's answer; `collapsed` if another's load made it, `detail` says which tier or what was wrong.

    `entry` is None only where the caller wanted nothing but a stored answer, or where what was loaded
    belongs to the request that loaded it. `fence` was taken before it was read.
    """

    entry: Entry | None
    outcome: Outcome
    detail: str | None = None
    stored: bool = False
    collapsed: bool = False
    fence: Fence = UNKNOWN


# Tags, and the token that each had when something was read; None where it is not known.
Tokens = Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Vintage:
    """What something was read under: what is made of it is no newer than these tokens, nor than this fence."""

    tokens: Tokens = field(default_factory=dict)
    fence: Fence = sys.maxsize


NOTHING_READ = Vintage()


class Seen(NamedTuple):
    """A value, what it was read under, and the entry that it was read from, by its name."""

    value: Any
    vintage: Vintage
    name: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request asks of the cache (RFC 9111 section 5.2.1); ages in seconds."""

    reload: bool = False
    store: bool = True
    max_age: float | None = None
    max_stale: float = 0.0
    min_fresh: float = 0.0
    only_if_cached: bool = False

    def accepts(self, entry: Entry, now: float) -> bool:
        """Whether this request may be answered from `entry`, which is current, at `now`."""
        if self.reload or now >= entry.fresh_until + self.max_stale:
            return False
        if self.max_age is not None and now - entry.created > self.max_age:
            return False
        return self.min_fresh == 0 or entry.fresh_until - now >= self.min_fresh

    @property
    def leaves_freshness_to_us(self) -> bool:
        """Whether the request says nothing of how old an answer may be, so that the policy does."""
        return not self.reload and self.max_age is None and self.min_fresh == 0


ANY = Demand()
