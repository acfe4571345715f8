"""Entries as operators see them: listed, looked at and cleared, within what is theirs."""

import asyncio
import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from mina_api.cache.examining import Examination, ExaminedTag
from mina_api.cache.keys import endpoint_of
from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.service import CacheService
from mina_api.cache.tier import TierUnavailable
from mina_api.errors import InvalidInput, NotFound, Unavailable
from mina_api.ops.access import Operator
from mina_api.ops.noting import Invalidations, Noted

# One request looks at no more names than that, however few of them match.
LOOKED_AT = 20_000
STEP = 500

KEY = "mina:session:api_meetings.get_meeting:user:123:42#1a2b3c4d"


class KeyItem(BaseModel):
    """An entry of the list."""

    key: str = Field(examples=[KEY])
    prefix: str = Field(examples=["session"])
    endpoint: str | None = Field(examples=["api_meetings.get_meeting"], description="null for a value set by hand")
    ttl_seconds: float = Field(examples=[412.5], description="until Redis forgets it")
    size_bytes: int = Field(examples=[830], description="as it is stored")


class KeyList(BaseModel):
    """Entries in no order; go on at `cursor` until it is null."""

    items: list[KeyItem]
    cursor: str | None = Field(examples=["1536"])


class LastInvalidation(BaseModel):
    """Who invalidated a tag last."""

    at: datetime = Field(examples=["2026-11-24T09:00:00Z"])
    user: int | None = Field(None, examples=[123], description="null where no request of a user's did")
    request: str | None = Field(None, examples=["PATCH /api/meetings/42"])
    request_id: str | None = Field(None, examples=["7d6c1f0e9b8a4c53a2f1e0d9c8b7a695"])


class TagOut(BaseModel):
    """A tag of an entry, and how it stands to it."""

    tag: str = Field(examples=["meeting:42"])
    state: Literal["current", "changed", "forgotten", "held"] = Field(examples=["current"])
    token: str = Field(examples=["hY3f0cQ1wZkT9a2B"], description="that the entry was read under")
    token_now: str | None = Field(examples=["hY3f0cQ1wZkT9a2B"])
    last_invalidation: LastInvalidation | None = Field(
        None, description="within a week", examples=[{"at": "2026-11-24T09:00:00Z", "user": 123}]
    )


class KeyDetail(BaseModel):
    """An entry, and whether it would be served now."""

    key: str = Field(examples=[KEY])
    canonical_key: str | None = Field(examples=[KEY], description="in full, where the key is a digest of it")
    prefix: str = Field(examples=["session"])
    endpoint: str | None = Field(examples=["api_meetings.get_meeting"])
    valid: bool = Field(examples=[True])
    explanation: str = Field(examples=["Every tag is as it was when the entry was read: it is served for 412 s more."])
    reasons: list[str] = Field(examples=[[]], description="why it is not served; none where it is")
    ttl_seconds: float | None = Field(examples=[412.5], description="of freshness; negative where that has ended")
    age_seconds: float | None = Field(examples=[187.5])
    created_at: datetime | None = Field(examples=["2026-11-24T09:00:00Z"])
    load_ms: float | None = Field(examples=[12.5], description="what it took to make it")
    size_bytes: int = Field(examples=[830], description="as it is stored")
    body_bytes: int | None = Field(examples=[2210])
    compressed: bool | None = Field(examples=[True])
    status: int | None = Field(examples=[200])
    in_memory: bool = Field(examples=[True], description="of the worker that answers this")
    tags: list[TagOut]


class Cleared(BaseModel):
    """What became unreadable."""

    prefix: str = Field(examples=["analytics"])
    scope: str | None = Field(examples=["ws:7"], description="the workspace whose entries they were; null: everybody's")


class Inspector:
    """Entries of one cache; every call raises Unavailable while Redis is away."""

    def __init__(self, cache: CacheService, ledger: RedisLedger | None) -> None:
        self._cache = cache
        self._ledger = ledger

    async def list(self, operator: Operator, prefix: str | None, match: str, cursor: str | None, limit: int) -> KeyList:
        """Entries whose names match; raises InvalidInput for a cursor that nobody gave."""
        ledger = self._require()
        if cursor is not None and not cursor.replace("-", "").isdecimal():
            raise InvalidInput("This is no cursor of ours.")
        names: list[str] = []
        at: str | None = cursor or "0"
        try:
            for _ in range(LOOKED_AT // STEP):
                assert at is not None  # noqa: S101
                page = await ledger.scan(at, ledger.entries(prefix, match), STEP if match else min(STEP, limit))
                # What they may not see must not end a page either: it would tell that something matches.
                found = [name for name in page.names if ledger.is_entry(name)]
                may_see = await asyncio.gather(*(self._may_see(operator, name) for name in found))
                names += itertools.compress(found, may_see)
                at = page.cursor
                if at is None or len(names) >= limit:
                    break
            sizes = await ledger.sizes(names)
        except TierUnavailable:
            raise _away() from None
        items = [
            KeyItem(key=name, **_parts(name), ttl_seconds=ttl, size_bytes=size)
            for name, (ttl, size) in zip(names, sizes, strict=True)
            if size
        ]
        return KeyList(items=items, cursor=at)

    async def look(self, operator: Operator, name: str) -> KeyDetail:
        """An entry; raises NotFound."""
        ledger = self._require()
        try:
            found = await self._find(operator, name)
            told = [each.tag for each in found.tags if operator.may_see_who_changed(each.tag)]
            last = await Invalidations.last(ledger, told)
        except TierUnavailable:
            raise _away() from None
        return _detail(found, last, self._cache.clock.now())

    async def delete(self, operator: Operator, name: str) -> None:
        """Forget an entry; raises NotFound."""
        self._require()
        try:
            await self._find(operator, name)
        except TierUnavailable:
            raise _away() from None
        await self._cache.drop(name)

    async def clear(self, operator: Operator, prefix: str) -> Cleared:
        """Make the entries of a prefix unreadable: the operator's workspace's, or everybody's."""
        await self._cache.clear_prefix(prefix, operator.scope)
        return Cleared(prefix=prefix, scope=operator.scope)

    async def _find(self, operator: Operator, name: str) -> Examination:
        ledger = self._require()
        found = await self._cache.examine(name) if ledger.is_entry(name) else None
        if found is None or not _is_theirs(operator, found):
            raise NotFound("There is no such entry.")
        return found

    async def _may_see(self, operator: Operator, name: str) -> bool:
        if operator.scope is None:
            return True
        found = await self._cache.examine(name)
        return found is not None and _is_theirs(operator, found)

    def _require(self) -> RedisLedger:
        if self._ledger is None:
            raise _away()
        return self._ledger


def _is_theirs(operator: Operator, found: Examination) -> bool:
    return operator.may_see(tuple(each.tag for each in found.tags))


def _away() -> Unavailable:
    return Unavailable("Redis, which has the entries, cannot answer now.")


def _parts(name: str) -> dict[str, str | None]:
    return {"prefix": name.split(":")[1], "endpoint": endpoint_of(name)}


def _detail(found: Examination, last: Mapping[str, Noted], now: float) -> KeyDetail:
    entry = found.entry
    left = entry.fresh_until - now if entry else None
    return KeyDetail(
        key=found.name,
        canonical_key=entry.key if entry else None,
        **_parts(found.name),
        valid=not found.reasons,
        explanation=_explanation(found, left),
        reasons=list(found.reasons),
        ttl_seconds=left,
        age_seconds=now - entry.created if entry else None,
        created_at=datetime.fromtimestamp(entry.created, UTC) if entry else None,
        load_ms=entry.load_seconds * 1000 if entry else None,
        size_bytes=found.stored_bytes,
        body_bytes=entry.size if entry else None,
        compressed=entry.compressed if entry else None,
        status=entry.status if entry else None,
        in_memory=found.is_in_memory,
        tags=[_tag(each, last.get(each.tag)) for each in found.tags],
    )


def _explanation(found: Examination, left: float | None) -> str:
    if not found.reasons:
        return f"Every tag is as it was when the entry was read: it is served for {left:.0f} s more."
    return f"The next request loads it anew: {'; '.join(found.reasons)}."


def _tag(each: ExaminedTag, last: Noted | None) -> TagOut:
    return TagOut(
        tag=each.tag,
        state=each.state,
        token=each.token.decode("latin-1"),
        token_now=None if each.token_now is None else each.token_now.decode("latin-1"),
        last_invalidation=None
        if last is None
        else LastInvalidation(**{**last.model_dump(), "at": datetime.fromtimestamp(last.at, UTC)}),
    )
