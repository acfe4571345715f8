"""The fast path: what a request was answered by is answered again before any routing.

The key is what the request sent: the raw target and the Authorization value. A shortcut holds only while every
check of the slow path would come to the same: memory has the very entry, under its lease, and it is fresh and not
due to be loaded anew; and who asks is vouched for, by an entry that memory has too, and until their credentials
expire. Where memory does not have them, Redis is asked for both, and for their tags' tokens, in one round trip.
Anything else in the request that could matter sends it the long way, which makes the next shortcut.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from mina_api.cache.compression import UndecodableBody
from mina_api.cache.entry import Entry
from mina_api.cache.fastapi.identity import Voucher
from mina_api.cache.fastapi.responding import Header, is_had, respond
from mina_api.cache.fastapi.sampling import Sampling
from mina_api.cache.freshness import Freshness
from mina_api.cache.http import takes_zstd
from mina_api.cache.looking_up import Claim
from mina_api.cache.outcome import Outcome, Served
from mina_api.cache.read_through import MEMORY, TIER
from mina_api.cache.s3_fifo import S3Fifo
from mina_api.cache.service import CacheService

Scope = Mapping[str, Any]
Fields = Mapping[bytes, bytes]

# What of a GET the slow path looks at, and this one too. Fields that nobody looks at may be whatever they are.
SEEN = frozenset((b"authorization", b"accept-encoding", b"if-none-match", b"x-request-id"))
# What it looks at beside them.
SLOW = frozenset(
    (
        b"x-api-key",
        b"cookie",
        b"proxy-authorization",
        b"cache-control",
        b"pragma",
        b"range",
        b"content-length",
        b"transfer-encoding",
        b"expect",
        b"upgrade",
        b"origin",
        b"traceparent",
    )
)
OVERHEAD_BYTES = 2000


def target_of(scope: Scope) -> bytes:
    """Path and query as they were sent; an empty query is none."""
    path, query = scope["raw_path"], scope["query_string"]
    target: bytes = path + b"?" + query if query else path
    return target


def fields_of(headers: Sequence[tuple[bytes, bytes]]) -> Fields | None:
    """The header fields by name; None where one that is looked at is there twice."""
    fields = dict(headers)
    if len(fields) != len(headers):
        names = [name for name, _ in headers if name in SEEN]
        if len(set(names)) != len(names):
            return None
    return fields


class Rendering:
    """An answer as bytes and as ASGI headers, until its Age or its TTL changes."""

    __slots__ = ("body", "head", "headers", "status", "until")

    def __init__(self, status: int, headers: list[Header], body: bytes, until: float) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.until = until
        self.head = b"".join(b"%b: %b\r\n" % header for header in headers)


class Shortcut:
    """One request's answer, and what has to hold for it."""

    __slots__ = ("claim", "entries", "entry", "hits", "is_same", "note", "renderings", "tier_hits", "until")

    def __init__(
        self,
        name: str,
        entry: Entry,
        until: float,
        voucher: Voucher | None,
        is_same: Callable[[float], bool],
        note: Callable[[str, int], None],
    ) -> None:
        self.entry = entry
        self.until = until
        self.is_same = is_same
        self.note = note
        # What memory has to have, by name: the answer, and who is answered.
        self.entries = {name: entry} if voucher is None else {name: entry, voucher.name: voucher.entry}
        self.claim = Claim(self.entries)
        self.hits = 0
        self.tier_hits = 0
        self.renderings: dict[tuple[bool, bool, str], Rendering] = {}


class Found:
    """A request's shortcut, what of it is wanted, and the request's own id, if it brought one.

    Where memory does not vouch for it any more, `is_known` is false: Redis has to be asked.
    """

    __slots__ = ("had", "is_known", "key", "packed", "request_id", "shortcut")

    def __init__(
        self, key: Hashable, shortcut: Shortcut, had: bool, packed: bool, request_id: bytes | None, is_known: bool
    ) -> None:
        self.key = key
        self.shortcut = shortcut
        self.had = had
        self.packed = packed
        self.request_id = request_id
        self.is_known = is_known


class Shortcuts:
    """The shortcuts of one application, at most `max_bytes` of them; `own_headers` are what its middleware adds."""

    def __init__(self, cache: CacheService, max_bytes: int, own_headers: tuple[Header, ...] = ()) -> None:
        self._cache = cache
        self._memory = cache.memory
        self._now = cache.clock.now
        self._max_body_bytes = cache.config.max_body_bytes
        self._own_headers = own_headers
        self.sampling = Sampling()
        self.answered = 0
        self._unsettled: list[Shortcut] = []
        self._table: S3Fifo[Shortcut] = S3Fifo(max_bytes, lambda _, gone: _settle(gone))
        cache.counters.before_stats(self.settle)

    def __len__(self) -> int:
        return len(self._table)

    def find(self, target: bytes, fields: Fields) -> Found | None:
        """The shortcut to the answer to a GET of `target`, path and query, if there is one."""
        if not SLOW.isdisjoint(fields):
            return None
        key = (target, fields.get(b"authorization"))
        shortcut = self._table.get(key)
        if shortcut is None:
            return None
        now = self._now()
        if now >= shortcut.until:
            self._drop(key)
            return None
        condition, accept = fields.get(b"if-none-match"), fields.get(b"accept-encoding")
        had = condition is not None and is_had(shortcut.entry, condition.decode("latin-1"))
        packed = accept is not None and shortcut.entry.compressed and takes_zstd(accept.decode("latin-1"))
        return Found(key, shortcut, had, packed, fields.get(b"x-request-id"), self._holds(shortcut))

    async def render(self, found: Found) -> Rendering | None:
        """What is to be sent; None if it has to be found out the long way."""
        if found.is_known:
            return self.render_known(found)
        claim = found.shortcut.claim
        if not claim.is_consistent or self._cache.forbids(claim.tags):
            return None
        if not await self._cache.verify(claim):
            self._drop(found.key)
            return None
        return self.render_known(found, TIER)

    def render_known(self, found: Found, tier: str = MEMORY) -> Rendering | None:
        """The same of what memory vouches for, or of what `tier` has: nobody has to be asked."""
        shortcut, now = found.shortcut, self._now()
        rendering = shortcut.renderings.get((found.had, found.packed, tier))
        if rendering is None or now >= rendering.until:
            if now >= shortcut.until or not shortcut.is_same(now):
                self._drop(found.key)
                return None
            try:
                rendering = self._render(shortcut, now, had=found.had, packed=found.packed, tier=tier)
            except UndecodableBody:
                self._drop(found.key)
                return None
        if not shortcut.hits and not shortcut.tier_hits:
            self._unsettled.append(shortcut)
        if tier is MEMORY:
            shortcut.hits += 1
        else:
            shortcut.tier_hits += 1
        self.answered += 1
        return rendering

    def sampled(self, seconds: float) -> int:
        """The last answer was a sample, and took so long; how many it stands for."""
        stands_for = self.sampling.take(self.answered - 1)
        self._cache.counters.took("hit", seconds, stands_for)
        return stands_for

    def add(
        self,
        scope: Scope,
        name: str,
        entry: Entry,
        freshness: Freshness,
        voucher: Voucher | None,
        is_same: Callable[[float], bool],
        note: Callable[[str, int], None],
    ) -> None:
        """Answer the like of a GET, which was answered by `entry`, the short way from now on.

        `is_same` is asked once a second whether its key and tags would still be the same; `note` takes a tier
        and the number of hits from it now and then.
        """
        until = freshness.is_due_from(entry)
        if voucher is not None:
            if not voucher.is_good():
                return
            until = min(until, voucher.rests_until)
        shortcut = Shortcut(name, entry, until, voucher, is_same, note)
        fields = fields_of(scope["headers"])
        if fields is None or not SLOW.isdisjoint(fields) or self._now() >= until:
            return
        key = (target_of(scope), fields.get(b"authorization"))
        self._drop(key)
        self._table.put(key, shortcut, OVERHEAD_BYTES + sum(map(len, filter(None, key))) + 2 * entry.size)

    def clear(self) -> None:
        """Forget all of them: what they rest on is true no more."""
        self.settle()
        self._table.clear()

    def settle(self) -> None:
        """Note the hits so far."""
        unsettled, self._unsettled = self._unsettled, []
        for shortcut in unsettled:
            _settle(shortcut)

    def _holds(self, shortcut: Shortcut) -> bool:
        """Whether memory has its entries; where it has others that equal them, those are its own from now on.

        Of requests that asked Redis at once for the same entry, each has a copy: memory keeps the last.
        """
        entries = shortcut.entries
        for name in entries:
            kept = self._memory.get(name)
            if kept is not entries[name]:
                if kept is None or kept != entries[name]:
                    return False
                entries[name] = kept
        return True

    def _render(self, shortcut: Shortcut, now: float, *, had: bool, packed: bool, tier: str) -> Rendering:
        entry = shortcut.entry
        answer = respond(
            Served(entry, Outcome.HIT, tier),
            entry,
            now,
            self._max_body_bytes,
            if_none_match="*" if had else "",
            accept_encoding="zstd" if packed else "",
        )
        until = min(entry.created + entry.age(now) + 1, entry.fresh_until - entry.ttl(now) + 1, math.floor(now) + 1)
        rendering = Rendering(answer.status, [*answer.headers, *self._own_headers], answer.body, until)
        shortcut.renderings[had, packed, tier] = rendering
        return rendering

    def _drop(self, key: Hashable) -> None:
        if (gone := self._table.pop(key)) is not None:
            _settle(gone)


def _settle(shortcut: Shortcut) -> None:
    hits, shortcut.hits = shortcut.hits, 0
    tier_hits, shortcut.tier_hits = shortcut.tier_hits, 0
    if hits:
        shortcut.note(MEMORY, hits)
    if tier_hits:
        shortcut.note(TIER, tier_hits)
