"""A mapping bounded in bytes that keeps what is used again: S3-FIFO.

Three queues: what is new passes through a small one, what was used meanwhile moves to the main one, and of what
was not only its name is remembered for a while, so that it goes to the main one if it comes back (Yang, Zhang,
Qiu, Yue, Rashmi: FIFO queues are all you need for cache eviction, SOSP 2023). A look-up moves nothing.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, TypeVar

V = TypeVar("V")

SMALL_SHARE = 0.1
MOST_USES = 3


class _Slot(Generic[V]):
    """A value, what it costs in bytes, and how often it was used since it was last looked over, at most three times."""

    __slots__ = ("cost", "uses", "value")

    def __init__(self, value: V, cost: int) -> None:
        self.value = value
        self.cost = cost
        self.uses = 0


class S3Fifo(Generic[V]):
    """Values by name, of at most `max_bytes` together; `on_evict` is told the value that had to go for others."""

    def __init__(self, max_bytes: int, on_evict: Callable[[Any, V], None]) -> None:
        self._max_bytes = max_bytes
        self._on_evict = on_evict
        self._slots: dict[Hashable, _Slot[V]] = {}
        self._small: OrderedDict[Hashable, _Slot[V]] = OrderedDict()
        self._main: OrderedDict[Hashable, _Slot[V]] = OrderedDict()
        self._ghosts: OrderedDict[Hashable, None] = OrderedDict()
        self._small_bytes = 0
        self._main_bytes = 0

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._slots)

    @property
    def used_bytes(self) -> int:
        """What all values cost together."""
        return self._small_bytes + self._main_bytes

    def get(self, name: Hashable) -> V | None:
        """The value of `name`, which counts as a use."""
        slot = self._slots.get(name)
        if slot is None:
            return None
        if slot.uses < MOST_USES:
            slot.uses += 1
        return slot.value

    def put(self, name: Hashable, value: V, cost: int) -> bool:
        """Keep `value`, at others' cost where there is no room; False, and nothing kept, if it is too large."""
        if name in self._slots:
            self.pop(name)
        if cost > self._max_bytes * (1 - SMALL_SHARE):
            return False
        while self.used_bytes + cost > self._max_bytes:
            self._evict_one()
        slot = self._slots[name] = _Slot(value, cost)
        if name in self._ghosts:
            del self._ghosts[name]
            self._to_main(name, slot)
        else:
            self._small[name] = slot
            self._small_bytes += cost
        return True

    def pop(self, name: Hashable) -> V | None:
        """Forget `name`; its value if there was one."""
        slot = self._slots.pop(name, None)
        if slot is None:
            return None
        if self._small.pop(name, None) is not None:
            self._small_bytes -= slot.cost
        else:
            del self._main[name]
            self._main_bytes -= slot.cost
        return slot.value

    def clear(self) -> None:
        """Forget everything."""
        for queue in (self._slots, self._small, self._main, self._ghosts):
            queue.clear()
        self._small_bytes = self._main_bytes = 0

    def _to_main(self, name: Hashable, slot: _Slot[V]) -> None:
        self._main[name] = slot
        self._main_bytes += slot.cost

    def _evict_one(self) -> None:
        """Move what deserves it until something has gone."""
        while True:
            if self._small and (self._small_bytes > self._max_bytes * SMALL_SHARE or not self._main):
                name, slot = self._small.popitem(last=False)
                self._small_bytes -= slot.cost
                if slot.uses > 1:
                    slot.uses = 0
                    self._to_main(name, slot)
                    continue
                self._remember(name)
            else:
                name, slot = self._main.popitem(last=False)
                if slot.uses:
                    slot.uses -= 1
                    self._main[name] = slot
                    continue
                self._main_bytes -= slot.cost
            del self._slots[name]
            self._on_evict(name, slot.value)
            return

    def _remember(self, name: Hashable) -> None:
        """Keep the name alone, of as many as there are values."""
        self._ghosts[name] = None
        while len(self._ghosts) > max(len(self._slots), 1):
            self._ghosts.popitem(last=False)
