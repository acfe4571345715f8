"""What processes tell each other of what they did: counts, themselves, who invalidated what.

No answer depends on it, and whoever writes to Redis may have written it: what is not well-formed is left out when it
is read, and replaced when it is written.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mina_api.cache.redis_tier import scripts
from mina_api.cache.redis_tier.commands import fields, listed
from mina_api.cache.redis_tier.tier import RedisTier
from mina_api.cache.stats import is_count
from mina_api.cache.tier import TierRefused

logger = logging.getLogger(__name__)

S = TypeVar("S")
T = TypeVar("T")

WEEK_SECONDS = 604_800
# What there is at the most of ours, and is read: fields of counts and of workers, items of a series, bytes of each.
MOST_FIELDS = 5_000
MOST_FIELD_BYTES = 2_000
MOST_ITEMS = 1_000
MOST_ITEM_BYTES = 16_000
MOST_NOTE_BYTES = 128_000
MOST_NAME_LENGTH = 2_000
# Clocks of two servers may differ by so much.
MOST_AHEAD_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """What all processes have counted since `since`, and what each said of itself last; `seconds_ago` by its name.

    Times are in seconds since the epoch, as Redis has them.
    """

    counts: dict[str, int]
    since: float
    now: float
    workers: dict[str, T]
    seconds_ago: dict[str, float]


@dataclass(frozen=True, slots=True)
class Page:
    """Names of entries, and where the next page begins: None after the last."""

    names: list[str]
    cursor: str | None


class RedisLedger:
    """Everything is in the slot of the tokens, each call is one round trip and may raise TierUnavailable.

    What is read is given to a `parse` of the caller's, which raises ValueError for what nobody of ours has written:
    that is left out, and logged once for each place.
    """

    def __init__(self, tier: RedisTier) -> None:
        self._tier = tier
        self._names = tier.names
        self._complained_of: set[str] = set()

    # Counts

    async def tell(self, process: str, number: int, counts: Mapping[str, int], worker: Mapping[str, Any]) -> None:
        """Add `counts` unless batch `number` of `process` was added before."""
        keys = [self._names.counts, self._names.told(process), self._names.workers]
        pairs = [part for pair in counts.items() for part in pair]
        await asyncio.gather(
            self._tier.script(scripts.TIDY, keys, MOST_FIELDS, "hash", "string", "hash"),
            self._tier.script(scripts.TELL, keys, number, process, json.dumps(worker), *pairs),
        )

    async def read(self, parse: Callable[[bytes], T]) -> Told[T]:
        """What was told; of each worker what `parse` makes of what it said."""
        keys = [self._names.counts, self._names.workers]
        asked = self._tier.script(scripts.FIELDS, keys, MOST_FIELDS, MOST_FIELD_BYTES, read=fields)
        now, counts, said = await asked
        numbers = dict(self._sound("counts", counts, _count))
        workers = dict(self._sound("workers", said, lambda pair: _worker(pair, now, parse)))
        return Told(
            counts=numbers,
            since=min(numbers.pop("since", now), now),
            now=now,
            workers={name: worker for name, (_, worker) in workers.items()},
            seconds_ago={name: ago for name, (ago, _) in workers.items()},
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

    async def notes(self, names: Sequence[str], parse: Callable[[bytes], T]) -> list[T | None]:
        """What `parse` makes of the notes under `names`, None for each that is not there."""
        found = await self._tier.texts([self._names.note(name) for name in names], MOST_NOTE_BYTES)
        return [None if data is None else next(iter(self._sound("notes", (data,), parse)), None) for data in found]

    async def take_turn(self, name: str, seconds: float) -> bool:
        """Whether this process does what one of all does every so often."""
        key, milliseconds = self._names.note(f"turn:{name}"), round(seconds * 1000)
        if await self._tier.call("SET", key, "1", "NX", "PX", milliseconds) is not None:
            return True
        if await self._tier.call("PTTL", key) != -1:
            return False
        # What has no end is no turn of ours.
        return await self._tier.call("SET", key, "1", "PX", milliseconds) is not None

    # Series

    async def append(self, name: str, items: Sequence[Any], keep: int) -> None:
        """Put items before those of the series, of which the `keep` newest stay."""
        key = self._names.series(name)
        await asyncio.gather(
            self._tier.script(scripts.TIDY, [key], 0, "list"),
            self._tier.call("LPUSH", key, *(json.dumps(item, separators=(",", ":")) for item in items)),
            self._tier.call("LTRIM", key, 0, keep - 1),
            self._tier.call("EXPIRE", key, WEEK_SECONDS),
        )

    async def series(
        self, name: str, parse: Callable[[bytes], T], first: int = 0, last: int = MOST_ITEMS - 1
    ) -> list[T]:
        """What `parse` makes of items of a series, from the newest on."""
        keys = [self._names.series(name)]
        found = await self._tier.script(scripts.ITEMS, keys, first, last, MOST_ITEM_BYTES, read=listed)
        return self._sound(f"series {name}", found, parse)

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
        return Page(self._sound("names", names, _name), following)

    async def sizes(self, names: Sequence[str]) -> list[tuple[float, int]]:
        """Of each entry the seconds that are left of it in Redis, negative if it is gone, and its bytes.

        Of what is no string there are none.
        """
        replies = await asyncio.gather(
            *(self._tier.call(command, name, entry=name) for name in names for command in ("PTTL", "STRLEN")),
            return_exceptions=True,
        )
        for reply in replies:
            if isinstance(reply, BaseException) and not isinstance(reply, TierRefused):
                raise reply
        numbers = [reply if isinstance(reply, int) else 0 for reply in replies]
        return [(ttl / 1000, size) for ttl, size in zip(numbers[::2], numbers[1::2], strict=True)]

    def _sound(self, place: str, found: Iterable[S], parse: Callable[[S], T]) -> list[T]:
        """What `parse` makes of each, without those that it refuses."""
        sound: list[T] = []
        for each in found:
            try:
                sound.append(parse(each))
            except ValueError as failure:
                if place not in self._complained_of:
                    self._complained_of.add(place)
                    logger.warning("what is no doing of ours is left out of %s: %s", place, type(failure).__name__)
        return sound


def _name(data: bytes) -> str:
    name = data.decode()
    if not (name.isascii() and name.isprintable() and name.count(":") > 1 and len(name) <= MOST_NAME_LENGTH):
        raise ValueError("this is no name of ours")
    return name


def _number(data: bytes) -> int:
    if not (data.isdigit() and len(data) <= 18):
        raise ValueError("this is no count")
    return int(data)


def _count(pair: tuple[bytes, bytes]) -> tuple[str, int]:
    name = pair[0].decode()
    if not is_count(name):
        raise ValueError("nothing is counted under this name")
    return name, _number(pair[1])


def _worker(pair: tuple[bytes, bytes], now: float, parse: Callable[[bytes], T]) -> tuple[str, tuple[float, T]]:
    name, (at, _, about) = pair[0].decode(), pair[1].partition(b" ")
    ago = now - _number(at)
    if ago < -MOST_AHEAD_SECONDS or not name.isprintable():
        raise ValueError("this is no worker of ours")
    return name, (ago, parse(about))
