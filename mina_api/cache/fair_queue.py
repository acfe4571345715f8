"""A bounded queue in which nobody's few wait behind another's many: in turn over owners, in order within each.

The turns are Nagle's (RFC 970); that the longest queue pays for a full one is from McKenney's stochastic fairness
queueing.
"""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """At most `limit` items, each of an owner."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # In the order of their turns; an owner who has nothing in the queue is not in it.
        self._owners: dict[str, deque[T]] = {}
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, owner: str, item: T) -> T | None:
        """Put `item` last among its owner's; what had no place, be it `item` or another owner's newest, or None."""
        refused = None
        if self._length >= self._limit:
            longest = max(self._owners, key=lambda each: len(self._owners[each]), default=owner)
            if len(self._owners.get(longest, ())) <= len(self._owners.get(owner, ())) + 1:
                return item
            refused = self._take(longest, -1)
        self._owners.setdefault(owner, deque()).append(item)
        self._length += 1
        return refused

    def pop(self) -> T | None:
        """The first item of whose turn it is, who is last to have the next one; None if there is none."""
        if not self._owners:
            return None
        owner = next(iter(self._owners))
        item = self._take(owner, 0)
        if items := self._owners.pop(owner, None):
            self._owners[owner] = items
        return item

    def remove(self, owner: str, item: T) -> bool:
        """Take `item` out, wherever it is; whether it was there."""
        items = self._owners.get(owner, deque())
        if item not in items:
            return False
        self._take(owner, items.index(item))
        return True

    def _take(self, owner: str, index: int) -> T:
        items = self._owners[owner]
        item = items[index]
        del items[index]
        self._length -= 1
        if not items:
            del self._owners[owner]
        return item
