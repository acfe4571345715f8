"""Answers that everybody in a scope gets alike: what was loaded for one of them is given to the others too.

A copy is given under the very tokens that it was loaded under. Whoever gets it read those after their request had
begun, and a token never comes back: it is as current as an entry of theirs that had been loaded then. Copies are in
this process alone, and are no entries: nobody can ask for one, and each answer that is made of one is kept by its user.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import NamedTuple

from mina_api.cache.clock import Clock
from mina_api.cache.keys import endpoint_of
from mina_api.cache.outcome import Loaded
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Alike, Read, Snapshot
from mina_api.cache.s3_fifo import S3Fifo
from mina_api.cache.single_flight import SingleFlight

# Of copies of all kinds, in one process.
MOST_BYTES = 8 * 1024 * 1024
OVERHEAD_BYTES = 1000

# The tokens, and their server, of all tags but those of one member.
Under = tuple[tuple[bytes, ...], bytes]
# Loads, and says how long that took in seconds.
Load = Callable[[], Awaitable[tuple[Loaded | None, float]]]


class _Copy(NamedTuple):
    """What was loaded, if it may be shared; for whom it was loaded, it `is_own`."""

    loaded: Loaded | None
    seconds: float
    under: Under
    is_own: bool = True


class Copies:
    """The copies of one process; who waits for another's load for `patience_seconds` goes over to a new one."""

    def __init__(self, clock: Clock, patience_seconds: float, max_bytes: int = MOST_BYTES) -> None:
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._table: S3Fifo[_Copy] = S3Fifo(max_bytes, lambda *_: None)
        self._flights: SingleFlight[_Copy] = SingleFlight(lambda copy: copy._replace(is_own=False))

    def __len__(self) -> int:
        return len(self._table)

    async def load(
        self, read: Read, alike: Alike, snapshot: Snapshot, load: Load, *, anew: bool = False
    ) -> tuple[Loaded | None, float]:
        """What was loaded for another of the reads that are `alike` under the tokens of `snapshot`, else by `load`.

        With `anew` what was loaded before is no answer. Raises what `load` raises.
        """
        name, under = alike.name, _under(read.policy, alike, snapshot)
        anew = anew or not read.demand.leaves_freshness_to_us
        kept = None if anew else self._table.get(name)
        if kept is not None and kept.under == under and self._is_fresh(kept, read.policy):
            return kept.loaded, kept.seconds
        if anew:
            copy = await self._loaded(name, under, load)
        else:
            lead = partial(self._loaded, name, under, load)
            copy = await self._flights.run((name, under), lead, patience_seconds=self._patience_seconds)
        # What is one request's alone is nobody else's.
        return await load() if copy.loaded is None and not copy.is_own else (copy.loaded, copy.seconds)

    def forget(self, names: Iterable[str]) -> None:
        """Give none any more once answers were deleted by `names`: they may have been made of what is here."""
        if any(map(endpoint_of, names)):
            self._table.clear()

    def _is_fresh(self, copy: _Copy, policy: CachePolicy) -> bool:
        loaded = copy.loaded
        if loaded is None or loaded.created is None:
            return False
        return self._clock.now() < loaded.created + policy.freshness.ttl_of(policy.ttl, loaded.status, lambda: 0.0)

    async def _loaded(self, name: str, under: Under, load: Load) -> _Copy:
        loaded, seconds = await load()
        if loaded is None:
            return _Copy(None, seconds, under)
        copy = _Copy(loaded._replace(created=self._clock.now()), seconds, under)
        if loaded.storable:
            self._table.put(name, copy, OVERHEAD_BYTES + len(name) + len(loaded.body))
        return copy


def _under(policy: CachePolicy, alike: Alike, snapshot: Snapshot) -> Under:
    pairs = zip(policy.tags, snapshot.tokens, strict=True)
    return tuple([token for tag, token in pairs if tag != alike.own_tag]), snapshot.epoch
