"""This process's side of what it agrees on with its peers beside the tier (DESIGN section 3).

A writer that the tier cannot hear, or that has peers whom the tier cannot tell, holds its tags with the peers
themselves, by whatever way they have: whoever implements that way speaks to this class.
"""

from collections.abc import Iterable

from mina_api.cache.memory import Memory
from mina_api.cache.standing import Standing


class Coherence:
    """What peers may have this process do; nothing here waits."""

    def __init__(self, memory: Memory, standing: Standing) -> None:
        self._memory = memory
        self._standing = standing

    @property
    def held(self) -> frozenset[str]:
        """The owners of the holds that are in force here."""
        return self._standing.held

    def hold(self, owner: str, tags: Iterable[str]) -> None:
        """Neither serve nor keep anything under `tags`, from now on until `drop`."""
        tags = frozenset(tags)
        self._standing.hold(owner, tags)
        self._memory.forget(tags)

    def drop(self, owner: str) -> None:
        """End a hold: what is loaded from now on sees what was written under it, what was loaded before may not."""
        if tags := self._standing.drop(owner):
            self._memory.forget(tags)

    def permit(self, until: float) -> None:
        """Serve until then what the tier vouches for: the end of a lease, counted from before it was asked for."""
        self._standing.until = until
        self._standing.is_alone = False

    def permit_memory(self, until: float) -> None:
        """Serve from memory until then, without the tier."""
        self._standing.until = until
        self._standing.is_alone = True
        self._memory.extend(until)

    def start_over(self) -> None:
        """Forget what is in memory but what is bounded, and serve no more until somebody vouches for it again."""
        self._standing.is_alone = False
        self._memory.clear()
