"""The invalidations that a request's success will bring, from its decorators and from its handler."""

from fastapi import Request


class PendingInvalidation:
    """Tags to invalidate once the write is committed; `taken` by the commit that will do it."""

    def __init__(self) -> None:
        self._tags: dict[str, None] = {}
        self._taken = False

    def add(self, *tags: str) -> None:
        """Invalidate `tags` too; raises RuntimeError once the commit has begun."""
        if self._taken:
            raise RuntimeError("the commit has begun: add tags before it")
        self._tags.update(dict.fromkeys(tags))

    def take(self) -> tuple[str, ...]:
        """The tags, once: whoever takes them invalidates them."""
        if self._taken:
            return ()
        self._taken = True
        return tuple(self._tags)


def pending_of(request: Request) -> PendingInvalidation:
    """The request's own, made at its first use."""
    if not hasattr(request.state, "cache_invalidation"):
        request.state.cache_invalidation = PendingInvalidation()
    pending: PendingInvalidation = request.state.cache_invalidation
    return pending


async def get_pending(request: Request) -> PendingInvalidation:
    """The same as a dependency."""
    return pending_of(request)
