"""The names of everything in Redis that is no entry.

Tokens, holds and the register of processes share one hash tag, so that a write's every step is one script in one
Cluster slot, however many tags it has; a lease on a load is in its entry's own.
"""

from collections.abc import Sequence
from functools import lru_cache

from mina_api.cache.keys import encode

# The second parts of names that are no entries'; those of entries are prefixes.
OWN = frozenset(("{tags}", "released", "lease", "wait", "limits"))


class Names:
    """Names under one namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._state = f"{namespace}:{{tags}}"
        self.register = f"{self._state}:register"
        self.forget = f"{self._state}:forget"
        self.released = f"{namespace}:released"
        self.counts = f"{self._state}:counts"
        self.workers = f"{self._state}:workers"
        # The current tokens of some tags: most requests ask for those of a few users.
        self.tokens = lru_cache(4096)(self._tokens)

    def token(self, tag: str) -> str:
        """The current token of `tag`."""
        return f"{self._state}:token:{tag}"

    def _tokens(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(self.token, tags))

    def holders(self, tag: str) -> str:
        """The writers that hold `tag`."""
        return f"{self._state}:hold:{tag}"

    def tags(self, tags: Sequence[str]) -> list[str]:
        """Token and holders of each tag by turns, as the scripts want them."""
        return [key for tag in tags for key in (self.token(tag), self.holders(tag))]

    def acknowledged(self, process: str) -> str:
        """The channel on which `process` hears that others have forgotten tags."""
        return f"{self._state}:acknowledged:{process}"

    def told(self, process: str) -> str:
        """The number of the last batch of counts that `process` has told."""
        return f"{self._state}:told:{process}"

    def note(self, name: str) -> str:
        """A note that processes leave each other."""
        return f"{self._state}:note:{name}"

    def series(self, name: str) -> str:
        """A list of what happened, the newest first."""
        return f"{self._state}:series:{name}"

    def is_entry(self, name: str) -> bool:
        """Whether `name` is of an entry."""
        rest = name.removeprefix(f"{self._namespace}:")
        return rest != name and rest.partition(":")[0] not in OWN

    def entries(self, prefix: str | None, match: str) -> str:
        """A glob over the names of entries; in `match` the signs `*` and `?` are such."""
        literal = "".join(f"\\{sign}" if sign in "[]\\" else sign for sign in match)
        scope = f"{encode(self._namespace)}:" + (f"{encode(prefix)}:" if prefix is not None else "")
        return f"{scope}*{literal}*" if literal else f"{scope}*"

    def uses(self, day: int) -> str:
        """How often what was asked for on a day."""
        return f"{self._state}:uses:{day}"

    def lease(self, key: str) -> tuple[str, str]:
        """The lease on the load of an entry, and the mark that somebody waits for it."""
        return f"{self._namespace}:lease:{{{key}}}", f"{self._namespace}:wait:{{{key}}}"
