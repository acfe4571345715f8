"""What processes tell each other of what they did: counts, themselves, who invalidated what.

No answer depends on it.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mina_api.cache.redis_tier import scripts
from mina_api.cache.redis_tier.tier import RedisTier

WEEK_SECONDS = 604_800


@dataclass(frozen=True, slots=True)
class Told:
    """What all processes have counted since `since`, and what each said of itself last; `seconds_ago` by its name.

    Times are in seconds since the epoch, as Redis has them.
    """

    counts: dict[str, int]
    since: float
    now: float
    workers: dict[str, dict[str, Any]]
    seconds_ago: dict[str, float]


@dataclass(frozen=True, slots=True)
class Page:
    """Names of entries, and where the next page begins: None after the last."""

    names: list[str]
    cursor: str | None


class RedisLedger:
    """Everything is in the slot of the tokens, each call is one round trip and may raise TierUnavailable."""

    def __init__(self, tier: RedisTier) -> None:
        self._tier = tier
        self._names = tier.names

    # Counts

    async def tell(self, process: str, number: int, counts: Mapping[str, int], worker: Mapping[str, Any]) -> None:
        """Add `counts` unless batch `number` of `process` was added before."""
        keys = [self._names.counts, self._names.told(process), self._names.workers]
        pairs = [part for pair in counts.items() for part in pair]
        await self._tier.script(scripts.TELL, keys, number, process, json.dumps(worker), *pairs)

    async def read(self) -> Told:
        """What was told."""
        counts, workers, time = await asyncio.gather(
            self._tier.call("HGETALL", self._names.counts),
            self._tier.call("HGETALL", self._names.workers),
            self._tier.call("TIME"),
        )
        now = int(time[0]) + int(time[1]) / 1e6
        numbers = {name: int(value) for name, value in _fields(counts).items()}
        said = {name: value.split(" ", 1) for name, value in _fields(workers).items()}
        return Told(
            counts=numbers,
            since=numbers.pop("since", now),
            now=now,
            workers={name: json.loads(about) for name, (_, about) in said.items()},
            seconds_ago={name: now - int(at) for name, (at, _) in said.items()},
        )

    async def reset(self, now: float) -> None:
        """Forget the counts."""
        await asyncio.gather(
            self._tier.call("DEL", self._names.counts), self._tier.call("HSET", self._names.counts, "since", int(now))
        )

    async def forget_workers(self, names: Sequence[str]) -> None:
        """These processes are gone."""
        if names:
            await self._tier.call("HDEL", self._names.workers, *names)

    # Notes

    async def note(self, name: str, value: Any, seconds: int = WEEK_SECONDS) -> None:
        """Keep a note for so long."""
        await self._tier.call("SET", self._names.note(name), json.dumps(value), "EX", seconds)

    async def note_each(self, values: Mapping[str, Any], seconds: int = WEEK_SECONDS) -> None:
        """Keep several notes for so long, in one round trip."""
        await asyncio.gather(*(self.note(name, value, seconds) for name, value in values.items()))

    async def notes(self, names: Sequence[str]) -> list[Any]:
        """The notes under `names`, None for each that is not there."""
        if not names:
            return []
        found = await self._tier.call("MGET", *map(self._names.note, names))
        return [None if value is None else json.loads(value) for value in found]

    async def take_turn(self, name: str, seconds: float) -> bool:
        """Whether this process does what one of all does every so often."""
        key = self._names.note(f"turn:{name}")
        return await self._tier.call("SET", key, "1", "NX", "PX", round(seconds * 1000)) is not None

    # Series

    async def append(self, name: str, items: Sequence[Any], keep: int) -> None:
        """Put items before those of the series, of which the `keep` newest stay."""
        key = self._names.series(name)
        await asyncio.gather(
            self._tier.call("LPUSH", key, *(json.dumps(item, separators=(",", ":")) for item in items)),
            self._tier.call("LTRIM", key, 0, keep - 1),
            self._tier.call("EXPIRE", key, WEEK_SECONDS),
        )

    async def series(self, name: str, first: int = 0, last: int = -1) -> list[Any]:
        """Items of a series from the newest on."""
        return [json.loads(item) for item in await self._tier.call("LRANGE", self._names.series(name), first, last)]

    async def forget_series(self, names: Sequence[str]) -> None:
        """Begin these series anew."""
        await self._tier.call("DEL", *map(self._names.series, names))

    # Entries

    def is_entry(self, name: str) -> bool:
        """Whether `name` is of an entry."""
        return self._names.is_entry(name)

    def entries(self, prefix: str | None, match: str) -> str:
        """The pattern of entries of a prefix, or of all, whose names hold `match`."""
        return self._names.entries(prefix, match)

    async def scan(self, cursor: str, pattern: str, count: int) -> Page:
        """Some names that match, of about `count` that are looked at; a page may be empty and not the last."""
        following, names = await self._tier.scan(cursor, pattern, count)
        return Page([name.decode() for name in names], following)

    async def sizes(self, names: Sequence[str]) -> list[tuple[float, int]]:
        """Of each entry the seconds that are left of it in Redis, negative if it is gone, and its bytes."""
        replies = await asyncio.gather(
            *(self._tier.call(command, name, entry=name) for name in names for command in ("PTTL", "STRLEN"))
        )
        return [(ttl / 1000, size) for ttl, size in zip(replies[::2], replies[1::2], strict=True)]


def _fields(reply: Any) -> dict[str, str]:
    """A hash as the client has it: a mapping already, or names and values by turns."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {name.decode(): value.decode() for name, value in pairs}
