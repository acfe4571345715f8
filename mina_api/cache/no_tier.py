"""The tier of a program that has no Redis: never available, so that everything is answered without it."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence

from mina_api.cache.memory import Memory
from mina_api.cache.tier import Claimed, Fetched, FetchedAll, ServerMemory, TierUnavailable


class NoTier:
    """A tier that refuses everything at once."""

    is_available = False
    epoch = b""

    async def start(self, memory: Memory) -> None:
        """Nothing to reach for: `memory` stays without a lease."""

    async def close(self) -> None:
        """Nothing to close."""

    async def memory(self) -> ServerMemory:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def fetch(self, key: str, tags: Sequence[str]) -> Fetched:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def fetch_all(self, keys: Sequence[str], tags: Sequence[str]) -> FetchedAll:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def snapshot(self, tags: Sequence[str]) -> tuple[bytes | None, ...]:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def store(self, key: str, data: bytes, ttl_seconds: float, owner: str | None = None) -> None:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def delete(self, keys: Sequence[str]) -> int:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def forget(self, keys: Sequence[str]) -> None:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def hold(self, tags: Sequence[str], owner: str, seconds: float) -> None:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def lift(self, tags: Sequence[str], owners: Sequence[str]) -> None:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def record_uses(self, day: int, counts: Mapping[str, int], keep: int) -> None:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def most_used(self, day: int, limit: int) -> dict[str, int]:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def claim(
        self, key: str, tags: Sequence[str], owner: str, seconds: float, seen: bytes | None = None
    ) -> Claimed:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    async def release(self, key: str, owner: str) -> None:
        """Unavailable."""
        raise TierUnavailable("there is no Redis")

    @contextlib.contextmanager
    def watch(self, key: str) -> Iterator[asyncio.Event]:
        """An event that nobody sets."""
        yield asyncio.Event()
