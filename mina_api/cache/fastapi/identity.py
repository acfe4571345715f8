"""Who asks, as the authentication dependency tells the cache."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from mina_api.cache.entry import Entry
from mina_api.cache.freshness import DEFAULT
from mina_api.cache.outcome import NOTHING_READ, Vintage

# Where a request's state has it.
IDENTITY = "cache_identity"


@dataclass(frozen=True, slots=True)
class Voucher:
    """That whoever sends the same Authorization is the same identity, and may do the same.

    It is true as long as memory has this very `entry` under `name`, and until then (seconds since the epoch). Where
    `is_good` says that it is not any more, nothing is made to rest on it; what does already is to be cleared
    (`Shortcuts.clear`).
    """

    name: str
    entry: Entry
    until: float
    is_good: Callable[[], bool] = lambda: True

    @property
    def rests_until(self) -> float:
        """Until when nothing that rests on it has to look at the credentials, or have the entry loaded anew."""
        return min(self.until, DEFAULT.is_due_from(self.entry))


@dataclass(frozen=True, slots=True)
class Identity:
    """The user's id, and the scope (a workspace, `ws:7`) that their prefixes are cleared in.

    `audience` tells apart what one user may see with different credentials; their entries are kept apart,
    and cleared together with the user's. `seen` is what who asks was read under
    (`CacheService.get_or_load_seen`): where that has changed by the time of the look-up, the answer is not kept.
    With a `voucher`, of an authentication that looks at nothing but the Authorization header, a hit in memory is
    answered again without running the endpoint's dependencies: they must do nothing that each request needs.
    """

    user_id: str
    scope: str | None
    audience: str | None = None
    seen: Vintage = NOTHING_READ
    voucher: Voucher | None = None

    @property
    def key_part(self) -> str:
        """The user's part of a cache key."""
        return self.user_id if self.audience is None else f"{self.user_id}~{self.audience}"


def identify(request: Request, identity: Identity) -> None:
    """Tell the cache who asks; called by the authentication dependency once it is sure."""
    request.scope.setdefault("state", {})[IDENTITY] = identity


def identity_of(request: Request) -> Identity | None:
    """Who asks, if an authentication dependency said so."""
    identity: Identity | None = request.scope.get("state", {}).get(IDENTITY)
    return identity
