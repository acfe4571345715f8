"""Who asks, as the authentication dependency tells the cache."""

from dataclasses import dataclass

from fastapi import Request


@dataclass(frozen=True, slots=True)
class Identity:
    """The user's id, and the scope (a workspace, `ws:7`) that their prefixes are cleared in."""

    user_id: str
    scope: str | None


def identify(request: Request, identity: Identity) -> None:
    """Tell the cache who asks; called by the authentication dependency once it is sure."""
    request.state.cache_identity = identity


def identity_of(request: Request) -> Identity | None:
    """Who asks, if an authentication dependency said so."""
    identity: Identity | None = getattr(request.state, "cache_identity", None)
    return identity
