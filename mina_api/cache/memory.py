"""L1: entries of this process, served without asking Redis while a lease says that nobody changed them.

Three things keep it as fresh as Redis (DESIGN section 3). It serves only until the end of its lease. Whoever
invalidates a tag has this process forget what is under it, and goes on once that is acknowledged or the lease has
run out. And what was fetched before a tag was forgotten is not put in after it: a `Fence`, taken before the fetch,
says so.

Without a lease only bounded answers are served, for as long as a lease would have lasted that began when they were
last known to be current; nobody waits for those.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain
from typing import TypeAlias

from mina_api.cache.entry import Entry
from mina_api.cache.s3_fifo import S3Fifo
from mina_api.cache.standing import Standing

# What an entry costs beside its bytes: objects, queue and index, measured with 10,000 of them.
OVERHEAD_BYTES = 1600
REMEMBERED = 1024
# So many entries are taken out in one turn of the event loop: a millisecond or two.
AT_ONCE = 250

# How many times tags had been forgotten when a fetch began.
Fence: TypeAlias = int
# Of what was read nobody knows when: nothing that is made of it can be kept in memory.
UNKNOWN: Fence = -1


class Memory:
    """At most `max_bytes` of entries, by name and by tag; 0 keeps none. `now` is of a clock that never stops."""

    def __init__(
        self,
        max_bytes: int,
        now: Callable[[], float],
        standing: Standing | None = None,
        *,
        bound_seconds: float = 0.0,
        wants_lease: bool = True,
    ) -> None:
        self._is_used = max_bytes > 0
        self._bound_seconds = bound_seconds
        self._wants_lease = wants_lease
        self._bounded_until: dict[str, float] = {}
        self._now = now
        self._standing = standing or Standing(now)
        self._entries: S3Fifo[Entry] = S3Fifo(max_bytes, self._unlist)
        self._names_by_tag: dict[str, set[str]] = {}
        # Forgotten, but not taken out yet.
        self._condemned: list[set[str]] = []
        self._valid_until = -math.inf
        self._forgotten = 0
        self._cleared_at = 0
        # Told which entries were forgotten by name, here or anywhere.
        self.on_forgotten: Callable[[Iterable[str]], None] = lambda _: None
        self._recent: deque[tuple[frozenset[str], frozenset[str]]] = deque(maxlen=REMEMBERED)
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def used_bytes(self) -> int:
        """An estimate of what the entries take."""
        return self._entries.used_bytes

    @property
    def is_valid(self) -> bool:
        """Whether the lease is running."""
        return self._now() < min(self._valid_until, self._standing.until)

    @property
    def wants_lease(self) -> bool:
        """Whether there is anything to serve that a writer has to wait for."""
        return self._is_used and self._wants_lease

    # Serving

    def get(self, name: str) -> Entry | None:
        """The entry of `name`, which is as current now as one that Redis would give; None without a lease."""
        now = self._now()
        if now >= self._standing.until or (now >= self._valid_until and now >= self._bounded_until.get(name, now)):
            return None
        if self._condemned and any(name in names for names in self._condemned):
            return None
        return self._entries.get(name)

    def fence(self) -> Fence:
        """Take it before the fetch, or the tokens, that an entry to `put` will come from."""
        return self._forgotten

    def put(self, name: str, entry: Entry, fence: Fence, *, bounded: bool = False) -> bool:
        """Keep `entry`, unless a tag of its may have been forgotten since `fence` or is held.

        One that is not `bounded` needs a lease.
        """
        if not bounded:
            self._wants_lease = True
        if not (self.is_valid or bounded) or self._standing.forbids(entry.tags):
            return False
        if self._was_forgotten(name, entry.tags, fence):
            return False
        self._drop(name)
        for names in self._condemned:
            names.discard(name)
        if not self._entries.put(name, entry, _cost(name, entry)):
            return False
        for tag in entry.tags:
            self._names_by_tag.setdefault(tag, set()).add(name)
        if bounded:
            self._bounded_until[name] = self._now() + self._bound_seconds
        return True

    # Coherence

    def forget(self, tags: Iterable[str], names: Iterable[str] = ()) -> None:
        """Serve no entry under `tags`, or of `names`, any more, and keep out those that were fetched before.

        It takes no longer for many entries: they are taken out by and by, a slice in each turn of the event loop.
        """
        gone, gone_names = frozenset(tags), frozenset(names)
        for name in gone_names:
            self._drop(name)
        self.on_forgotten(gone_names)
        is_taking_out = bool(self._condemned)
        self._condemned += [names for tag in gone if (names := self._names_by_tag.pop(tag, set()))]
        self._forgotten += 1
        self._recent.append((gone, gone_names))
        if not is_taking_out:
            self._take_out()

    def extend(self, until: float) -> None:
        """Serve until then: the end of a lease, counted from before it was asked for."""
        self._valid_until = until

    def clear(self) -> None:
        """Drop all but what is bounded, and serve no more until the next lease: invalidations may have been missed."""
        self._valid_until = -math.inf
        if self._bounded_until:
            for name in [name for name in self._entries if name not in self._bounded_until]:
                self._drop(str(name))
        else:
            self._entries.clear()
            self._names_by_tag.clear()
            self._condemned.clear()
        self._cleared_at = self._forgotten = self._forgotten + 1

    # Parts

    def _was_forgotten(self, name: str, tags: tuple[str, ...], fence: Fence) -> bool:
        since = self._forgotten - fence
        if not since:
            return False
        if fence < self._cleared_at or since > len(self._recent):
            return True
        recent = (self._recent[-back] for back in range(1, since + 1))
        return any(name in gone_names or not gone.isdisjoint(tags) for gone, gone_names in recent)

    def _take_out(self) -> None:
        """Take out a slice of what was forgotten, and the rest in later turns; all at once where there are none."""
        left = AT_ONCE
        while self._condemned:
            if not left:
                try:
                    asyncio.get_running_loop().call_soon(self._take_out)
                except RuntimeError:
                    left = AT_ONCE
                    continue
                return
            names = self._condemned[-1]
            while names and left:
                self._drop(names.pop())
                left -= 1
            if not names:
                self._condemned.pop()

    def _drop(self, name: str) -> None:
        if (entry := self._entries.pop(name)) is not None:
            self._unlist(name, entry, evicted=False)

    def _unlist(self, name: str, entry: Entry, *, evicted: bool = True) -> None:
        self.evictions += evicted
        self._bounded_until.pop(name, None)
        for tag in entry.tags:
            if (names := self._names_by_tag.get(tag)) is None:
                continue
            names.discard(name)
            if not names:
                del self._names_by_tag[tag]


def _cost(name: str, entry: Entry) -> int:
    cost = OVERHEAD_BYTES + len(name) + len(entry.key) + len(entry.body)
    return cost + sum(map(len, chain(*entry.headers, entry.tags, entry.tokens)))
