"""Tiers that leave out what keeps the strict one from ever being stale."""

import asyncio
from collections.abc import Sequence
from typing import Any

from mina_api.cache.entry import decode
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.redis_tier.backplane import Acknowledgements
from mina_api.cache.tier import Claimed, Fetched

TOKEN = b"always the same"


class PlainTtl(RedisTier):
    """Entries live for their TTL, whatever is written."""

    async def fetch(self, key: str, tags: Sequence[str]) -> Fetched:
        """The entry, under tokens that are always current."""
        return _under_one(await super().fetch(key, ()), tags)

    async def claim(
        self, key: str, tags: Sequence[str], owner: str, seconds: float, seen: bytes | None = None
    ) -> Claimed:
        """The entry, under the same tokens."""
        claimed = await super().claim(key, (), owner, seconds, seen)
        return Claimed(claimed.left_seconds, _under_one(claimed.fetched, tags))

    async def snapshot(self, tags: Sequence[str]) -> tuple[bytes | None, ...]:
        """The same tokens: nothing is on hold."""
        return (TOKEN,) * len(tags)

    async def hold(self, tags: Sequence[str], owner: str, seconds: float) -> None:
        """Nothing."""

    async def lift(self, tags: Sequence[str], owners: Sequence[str]) -> None:
        """Nothing."""


class DeleteAfterCommit(PlainTtl):
    """Entries are deleted after the write that changes them; what is being loaded meanwhile is stored even later."""

    async def store(self, key: str, data: bytes, ttl_seconds: float, owner: str | None = None) -> None:
        """Store it, and list it under its tags."""
        await super().store(key, data, ttl_seconds, owner)
        await asyncio.gather(*(self._link.call("SADD", f"index:{tag}", key) for tag in decode(data).tags))

    async def lift(self, tags: Sequence[str], owners: Sequence[str]) -> None:
        """Delete what is listed under `tags`."""
        listed = await asyncio.gather(*(self._link.call("SMEMBERS", f"index:{tag}") for tag in tags))
        keys = sorted({key for each in listed for key in each})
        await asyncio.gather(*(self._link.call("UNLINK", key) for key in keys))


class Unacknowledged(RedisTier):
    """Every process is told of a write after it is done, and nobody waits until it has heard."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        setattr(Acknowledgements, "wait", _no_wait)  # noqa: B010  (a method of a class that is not ours)

    async def hold(self, tags: Sequence[str], owner: str, seconds: float) -> None:
        """Nothing."""


def _under_one(fetched: Fetched, tags: Sequence[str]) -> Fetched:
    return Fetched(fetched.data, (TOKEN,) * len(tags), fetched.epoch)


async def _no_wait(*_: object) -> None:
    return
