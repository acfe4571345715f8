"""What this process may serve from the cache, as its peers know it by another way than the tier."""

import math
from collections.abc import Callable, Iterable


class Standing:
    """A lease on serving anything cached, and the tags that writers hold; without peers there is neither.

    `now` is of the clock that leases are counted on, in seconds.
    """

    __slots__ = ("_held", "_now", "is_alone", "until")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._held: dict[str, frozenset[str]] = {}
        self.until = math.inf
        # Whether memory is served by leave of the peers alone: they tell of every write, and the tier tells of none.
        self.is_alone = False

    @property
    def held(self) -> frozenset[str]:
        """The owners of the holds that are known here."""
        return frozenset(self._held)

    def forbids(self, tags: Iterable[str]) -> bool:
        """Whether nothing under `tags` may be served or kept now."""
        if self._now() >= self.until:
            return True
        return bool(self._held) and any(not held.isdisjoint(tags) for held in self._held.values())

    def hold(self, owner: str, tags: Iterable[str]) -> None:
        """From now on `owner` holds `tags`."""
        self._held[owner] = frozenset(tags)

    def drop(self, owner: str) -> frozenset[str]:
        """`owner` holds nothing any more; what it held."""
        return self._held.pop(owner, frozenset())
