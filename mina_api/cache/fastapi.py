"""The cache's FastAPI side."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from mina_api.cache.marks import TagContext, cache_response, invalidate_cache

__all__ = ["CachedRoute", "Identity", "Invalidation", "TagContext", "cache_response", "identify", "invalidate_cache"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: the user's id, and the scope (a workspace's tag, `ws:7`) that prefixes are cleared in."""

    user_id: str
    scope: str | None


def identify(request: Request, identity: Identity) -> None:
    """Tell the cache who asks; called by the authentication dependency once it is sure."""
    request.state.cache_identity = identity


class PendingInvalidation:
    """The tags that this request's success will invalidate."""

    def __init__(self) -> None:
        self._tags: set[str] = set()

    def add(self, *tags: str) -> None:
        """Invalidate `tags` too, once the write is committed."""
        self._tags.update(tags)


def _pending(request: Request) -> PendingInvalidation:
    if not hasattr(request.state, "cache_invalidation"):
        request.state.cache_invalidation = PendingInvalidation()
    pending: PendingInvalidation = request.state.cache_invalidation
    return pending


Invalidation = Annotated[PendingInvalidation, Depends(_pending)]


class CachedRoute(APIRoute):
    """The route class that reads the marks."""
