"""One question to the read path, and what is known of its tags before it is answered."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from mina_api.cache.entry import Entry
from mina_api.cache.keys import CacheKey
from mina_api.cache.memory import Fence
from mina_api.cache.outcome import ANY, NOTHING_READ, Demand, Loaded, Vintage
from mina_api.cache.policy import CachePolicy

IsFailure = Callable[[Exception], Awaitable[bool]]
Load = Callable[[], Awaitable[Loaded | None]]


class Snapshot(NamedTuple):
    """What a load is about to be stored under, read before it begins: tokens, their server, and the fence before.

    Without tokens the answer is kept in memory alone, as far as the fence allows.
    """

    tokens: tuple[bytes, ...]
    epoch: bytes
    fence: Fence


async def any_failure(_: Exception) -> bool:
    """What a loader of values raises is never an answer."""
    return True


class Alike(NamedTuple):
    """What some reads have in common but for whom they are kept by: a name, and all of their tags but `own_tag`."""

    name: str
    own_tag: str | None


class Read(NamedTuple):
    """One request to the read path.

    `seen` is the vintage of what was read before and goes into the answer, such as who asks: where that has
    changed since, the answer is this caller's alone. `is_failure` tells what `load` raises because it could not
    answer, for `stale_if_error`, from an answer. `recipe` says how to ask this again, for warming. What is no
    request of anybody's, such as the look-up of who asks, is not `is_counted`. Loads take turns by `owner`. `alike`
    says which reads share what they load, where some do.
    """

    key: CacheKey
    policy: CachePolicy
    load: Load
    demand: Demand = ANY
    seen: Vintage = NOTHING_READ
    is_failure: IsFailure = any_failure
    recipe: Callable[[], str] | None = None
    is_counted: bool = True
    owner: str = ""
    alike: Callable[[], Alike] | None = None

    @property
    def whose(self) -> str:
        """Whose turn it is when this is loaded: its owner's, or that of all who ask its endpoint or its prefix."""
        return self.owner or self.key.endpoint or self.key.prefix

    def is_older_than(self, snapshot: Snapshot) -> bool:
        """Whether something that goes into the answer was read under other tokens than those of `snapshot`."""
        tags, tokens = self.policy.tags, snapshot.tokens
        # A loop: each miss asks, and any() of a generator takes twice as long.
        for tag, token in self.seen.tokens.items():  # noqa: SIM110
            if tag in tags and tokens[tags.index(tag)] != token:
                return True
        return False

    def is_answered_by(self, entry: Entry) -> bool:
        """Whether `entry` is of this very question: names of two may be the same digest."""
        return entry.key == self.key.canonical and entry.tags == self.policy.tags
