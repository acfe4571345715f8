"""What the route decorators leave on an endpoint: which policy caches it, which tags its success invalidates."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from mina_api.cache.adaptive import Adaptive
from mina_api.cache.freshness import DEFAULT, Freshness
from mina_api.cache.policy import Consistency

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

CACHED = "__mina_cached__"
INVALIDATES = "__mina_invalidates__"


# Not frozen: each request makes one, and that would take three times as long.
@dataclass(slots=True)
class TagContext:
    """What a tag function may look at: who asks, in which scope, the validated parameters, and the time (UTC)."""

    user_id: str | None
    scope: str | None
    params: Mapping[str, Any] = field(default_factory=dict)
    now_seconds: float = field(default_factory=time.time)

    @property
    def now(self) -> datetime:
        """The time (UTC); `now_seconds` are since the epoch."""
        return datetime.fromtimestamp(self.now_seconds, UTC)

    def at(self, now_seconds: float) -> "TagContext":
        """The same at another time."""
        return replace(self, now_seconds=now_seconds)


Vary = Mapping[str, Callable[[TagContext], str]]
Tag = str | Callable[[TagContext], str]


@dataclass(frozen=True, slots=True)
class Caching:
    """`cache_response`'s arguments, as the route class reads them."""

    prefix: str
    ttl: int | None
    tags: tuple[Tag, ...]
    vary_on_user: bool
    shared: bool
    key_func: Callable[[TagContext], str] | None
    condition: Callable[[TagContext], bool] | None
    vary: Vary
    freshness: Freshness = DEFAULT
    consistency: Consistency | None = None
    same_in_scope: bool = False


@dataclass(frozen=True, slots=True)
class Invalidating:
    """One `invalidate_cache`'s arguments."""

    prefix: str | None
    tags: tuple[Tag, ...]


def cache_response(
    ttl: int | None = None,
    prefix: str = "temp",
    *,
    key_func: Callable[[TagContext], str] | None = None,
    vary_on_user: bool = True,
    shared: bool = False,
    same_in_scope: bool = False,
    tags: Iterable[Tag] = (),
    condition: Callable[[TagContext], bool] | None = None,
    vary: Vary | None = None,
    soft_ttl: float | None = None,
    stale_while_revalidate: float = 0.0,
    stale_if_error: float = 0.0,
    negative_ttl: float | None = None,
    jitter: float = 0.0,
    beta: float = 1.0,
    adaptive: Adaptive | None = None,
    consistency: Consistency | None = None,
) -> Callable[[Endpoint], Endpoint]:
    """Mark a GET endpoint as cached for `ttl` seconds (None: its prefix's TTL) under `prefix`.

    `key_func` gives the key's parameter part instead of the parameters; `vary` adds parts to them, such as the
    local date. `tags` name what the answer depends on beside its prefix and its user. Where `condition` is
    false the cache has no part in the request. `shared=True` says that everybody gets the same answer,
    `same_in_scope=True` that everybody in the viewer's scope does: what was loaded for one of them is given to the
    others too, though kept for each apart, so that clearing a user's answers clears theirs. `consistency` is a
    `CachePolicy`'s. The seven before it are a `Freshness`, which says what they mean; raises ValueError for bad ones,
    and for what is the same in a scope and not kept by user.
    """
    if same_in_scope and (shared or not vary_on_user or adaptive is not None):
        raise ValueError("same_in_scope is for what is kept by user: leave out shared, vary_on_user and adaptive")
    caching = Caching(
        prefix=prefix,
        ttl=ttl,
        tags=tuple(tags),
        vary_on_user=vary_on_user and not shared,
        shared=shared,
        key_func=key_func,
        condition=condition,
        vary=dict(vary or {}),
        freshness=Freshness(
            soft_ttl=soft_ttl,
            stale_while_revalidate=stale_while_revalidate,
            stale_if_error=stale_if_error,
            negative_ttl=negative_ttl,
            jitter=jitter,
            beta=beta,
            adaptive=adaptive,
        ),
        consistency=consistency,
        same_in_scope=same_in_scope,
    )

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, CACHED, caching)
        return endpoint

    return mark


def invalidate_cache(prefix: str | None = None, tags: Iterable[Tag] = ()) -> Callable[[Endpoint], Endpoint]:
    """Mark a writing endpoint: its success invalidates the viewer's scope of `prefix`, and `tags`; stackable."""

    def mark(endpoint: Endpoint) -> Endpoint:
        earlier: tuple[Invalidating, ...] = getattr(endpoint, INVALIDATES, ())
        setattr(endpoint, INVALIDATES, (*earlier, Invalidating(prefix, tuple(tags))))
        return endpoint

    return mark
