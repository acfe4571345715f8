"""The second tier as the engine asks for it: what Redis does for us, said without Redis."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mina_api.cache.memory import Memory

# So much of an entry tells it from others that its key had.
HEAD_BYTES = 16


class TierUnavailable(Exception):
    """The tier cannot be asked now; whoever gets this answers without it."""


class TierRefused(TierUnavailable):
    """The tier is there but refuses this command: out of memory, a read-only replica, a missing permission."""


class Fetched(NamedTuple):
    """One read: the entry's bytes, the current token of each tag asked for, and the server's epoch.

    A token is None where there is none yet; a held tag's token matches no entry's.
    """

    data: bytes | None
    tokens: tuple[bytes | None, ...]
    epoch: bytes


class FetchedAll(NamedTuple):
    """One read of several entries: the bytes of each, and what `Fetched` says of tokens and epoch."""

    data: tuple[bytes | None, ...]
    tokens: tuple[bytes | None, ...]
    epoch: bytes


class Claimed(NamedTuple):
    """What a claim to load an entry came to, and what was read right after it.

    `left_seconds` is 0 where the lease is the claimer's, else what its owner's has left; None where the entry is
    another one than the claimer saw.
    """

    left_seconds: float | None
    fetched: Fetched


@dataclass(frozen=True, slots=True)
class ServerMemory:
    """What the server uses and may use, as it words it, and in bytes: 0 as the maximum is no limit."""

    used: str
    maximum: str
    used_bytes: int = 0
    maximum_bytes: int = 0


class Tier(Protocol):
    """A store of entries and tag tokens shared by all processes; every method may raise TierUnavailable."""

    async def start(self, memory: Memory) -> None:
        """Reach for the server, not reaching it is no failure, and keep `memory` as current as it is."""

    async def close(self) -> None:
        """End what runs and close every connection."""

    async def memory(self) -> ServerMemory:
        """What the server says of its memory."""

    @property
    def is_available(self) -> bool:
        """Whether it may be asked now, without waiting."""

    @property
    def epoch(self) -> bytes:
        """The server's incarnation: entries of another one are misses, whatever data it came back with."""

    async def fetch(self, key: str, tags: Sequence[str]) -> Fetched:
        """Entry and tokens in one round trip."""

    async def fetch_all(self, keys: Sequence[str], tags: Sequence[str]) -> FetchedAll:
        """Entries and tokens in one round trip."""

    async def snapshot(self, tags: Sequence[str]) -> tuple[bytes | None, ...]:
        """The token of each tag, made where absent; None for a tag on hold."""

    async def store(self, key: str, data: bytes, ttl_seconds: float, owner: str | None = None) -> None:
        """Keep `data` under `key` for `ttl_seconds`, and give back the owner's lease on it, if there is one."""

    async def delete(self, keys: Sequence[str]) -> int:
        """Forget entries; the number that were there."""

    async def forget(self, keys: Sequence[str]) -> None:
        """Have no process serve these entries from its memory as they were before."""

    async def hold(self, tags: Sequence[str], owner: str, seconds: float) -> None:
        """Make every entry under `tags` unreadable and unfillable until `lift`, or for `seconds`.

        Returns once no process serves one from its memory any more.
        """

    async def lift(self, tags: Sequence[str], owners: Sequence[str]) -> None:
        """Give `tags` new tokens and end the owners' holds on them; unless one held all, returns as `hold` does."""

    async def record_uses(self, day: int, counts: Mapping[str, int], keep: int) -> None:
        """Add to the day's counts, of which the `keep` highest are kept for two days."""

    async def most_used(self, day: int, limit: int) -> dict[str, int]:
        """The day's highest counts."""

    async def claim(
        self, key: str, tags: Sequence[str], owner: str, seconds: float, seen: bytes | None = None
    ) -> Claimed:
        """Take the lease of `key`, then read entry and tokens, in one round trip.

        With `seen` only if the entry still begins with that, `HEAD_BYTES` of it: empty where there was none.
        """

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """Prolong a lease of one's own; False if it is lost."""

    async def release(self, key: str, owner: str) -> None:
        """Give a lease back if it is still one's own, and wake those who wait for it."""

    def watch(self, key: str) -> AbstractContextManager[asyncio.Event]:
        """An event that is set when the lease of `key` is given back; enter it before `claim`."""
