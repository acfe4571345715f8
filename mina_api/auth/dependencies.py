"""Who asks: the viewer of a request, by access token or API key, and what they may do."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer

from mina_api.auth import api_keys
from mina_api.auth.caching import viewer_policy
from mina_api.auth.models import KeyScope, Role
from mina_api.auth.passwords import Passwords
from mina_api.auth.queries import load_key_holder, load_viewer
from mina_api.auth.service import Issuer
from mina_api.auth.throttling import SignInThrottle
from mina_api.auth.tokens import AccessTokens
from mina_api.cache.fastapi import Cache, Identity, Recollection, Voucher, identify
from mina_api.cache.outcome import Seen
from mina_api.cache.service import CacheService
from mina_api.db.session import ReadSession
from mina_api.errors import Forbidden, Unauthenticated
from mina_api.web.dependencies import ReadFactory, Reads
from mina_api.web.request_limits import RequestLimits, limits_of

bearer = OAuth2PasswordBearer(
    "/api/auth/token", auto_error=False, description="an access token of `/api/auth/token`, or an API key"
)
key_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="an API key of `/api/auth/api-keys`")


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """The user who asks, in the workspace that they act in; by a sign-in, or by an API key.

    It is as old as the request's beginning: what an answer that is cached says of a user is read in its load.
    """

    id: int
    email: str
    name: str
    workspace_id: int
    workspace_name: str
    role: Role
    sign_in_id: int | None = None
    api_key_id: int | None = None
    reads_alone: bool = False


async def get_access_tokens(request: Request) -> AccessTokens:
    """The application's access tokens."""
    tokens: AccessTokens = request.app.state.access_tokens
    return tokens


async def get_issuer(request: Request, tokens: Annotated[AccessTokens, Depends(get_access_tokens)]) -> Issuer:
    """Who gives out tokens."""
    return Issuer(tokens, request.app.state.refresh_token_days)


async def get_sign_in_throttle(request: Request) -> SignInThrottle:
    """The application's throttle of sign-ins."""
    throttle: SignInThrottle = request.app.state.sign_in_throttle
    return throttle


async def get_passwords(request: Request) -> Passwords:
    """The application's password hasher."""
    passwords: Passwords = request.app.state.passwords
    return passwords


async def get_viewer(
    request: Request,
    token: Annotated[str | None, Depends(bearer)],
    key: Annotated[str | None, Depends(key_header)],
    tokens: Annotated[AccessTokens, Depends(get_access_tokens)],
    cache: Cache,
    reads: Reads,
) -> CurrentUser:
    """The viewer, whose sign-in or key, workspace and role are as of now; raises Unauthenticated."""
    limits = limits_of(request)
    recollection: Recollection[CurrentUser] = request.app.state.viewers
    # What is recalled rests on the Authorization alone.
    credentials = token if key is None else None
    recalled = recollection.recall(credentials) if credentials is not None else None
    if recalled is not None:
        identity, viewer = recalled
    else:
        if limits is not None and is_key(token, key):
            reads = _counted(request, limits, reads)
        try:
            identity, viewer = await _authenticated(token, key, tokens, cache, reads)
        except Unauthenticated:
            if limits is not None:
                limits.refused(request)
            raise
        if credentials is not None:
            recollection.remember(credentials, identity, viewer)
    structlog.contextvars.bind_contextvars(user=viewer.id)
    if limits is not None:
        limits.identify(request, viewer.id, viewer.api_key_id)
    identify(request, identity)
    return viewer


async def _authenticated(
    token: str | None, key: str | None, tokens: AccessTokens, cache: CacheService, reads: ReadFactory
) -> tuple[Identity, CurrentUser]:
    version = tokens.version
    viewer, seen, until = await authenticate(token, key, tokens, cache, reads)
    audience = None if viewer.api_key_id is None else f"key:{viewer.api_key_id}"
    voucher = Voucher(seen.name, seen.entry, until, lambda: tokens.version == version)
    return Identity(str(viewer.id), f"ws:{viewer.workspace_id}", audience, seen.vintage, voucher), viewer


def _counted(request: Request, limits: RequestLimits, reads: ReadFactory) -> ReadFactory:
    """`reads`, for as long as the address that guesses keys may cost us a look-up."""

    def read() -> AbstractAsyncContextManager[ReadSession]:
        limits.before_look_up(request)
        return reads()

    return read


def is_key(token: str | None, key: str | None) -> bool:
    """Whether what was sent is an API key."""
    return key is not None or (token is not None and token.startswith(api_keys.PREFIX))


async def authenticate(
    token: str | None, key: str | None, tokens: AccessTokens, cache: CacheService, reads: ReadFactory
) -> tuple[CurrentUser, Seen, float]:
    """Who sends an access token or an API key, what they were read from, and when the credentials expire.

    Raises Unauthenticated.
    """
    if is_key(token, key):
        return await _by_key(key or token or "", cache, reads)
    if token is not None:
        return await _by_token(token, tokens, cache, reads)
    raise Unauthenticated("Sign in first: send an access token as `Authorization: Bearer …`.")


async def _by_token(
    token: str, tokens: AccessTokens, cache: CacheService, reads: ReadFactory
) -> tuple[CurrentUser, Seen, float]:
    """The viewer, what they were read from, and when the credentials expire."""
    claims = tokens.verify(token)

    async def load() -> dict[str, Any] | None:
        async with reads() as session:
            found = await load_viewer(session, claims.user_id, claims.sign_in_id)
            return dict(found) if found else None

    key = f"viewer:{claims.user_id}:{claims.sign_in_id}"
    seen = await cache.get_or_load_seen(key, load, viewer_policy(claims.user_id))
    if (found := seen.value) is None:
        raise Unauthenticated("The sign-in has ended.")
    viewer = CurrentUser(**{**found, "role": Role(found["role"])}, sign_in_id=claims.sign_in_id)
    return viewer, seen, claims.expires


async def _by_key(key: str, cache: CacheService, reads: ReadFactory) -> tuple[CurrentUser, Seen, float]:
    user_id, digest = api_keys.owner_of(key), api_keys.digest(key)
    if user_id is None:
        raise Unauthenticated("The API key is not valid.")

    async def load() -> dict[str, Any] | None:
        async with reads() as session:
            found = await load_key_holder(session, user_id, digest)
            return dict(found) if found else None

    seen = await cache.get_or_load_seen(f"viewer:{user_id}:key:{digest.hex()}", load, viewer_policy(user_id))
    if (found := seen.value) is None or (expires := found.pop("expires")) <= cache.clock.now():
        raise Unauthenticated("The API key is not valid, or no longer.")
    reads_alone = found.pop("scope") == KeyScope.READ
    role = Role.VIEWER if reads_alone else Role(found["role"])
    return CurrentUser(**{**found, "role": role}, reads_alone=reads_alone), seen, expires


Viewer = Annotated[CurrentUser, Depends(get_viewer)]


async def get_editor(viewer: Viewer) -> CurrentUser:
    """The viewer, if they may write; raises Forbidden."""
    if viewer.role is Role.VIEWER:
        raise Forbidden("Viewers of a workspace, and keys that only read, change nothing in it.")
    return viewer


async def get_person(viewer: Viewer) -> CurrentUser:
    """The viewer, if they signed in themselves: no key manages keys, members or sign-ins. Raises Forbidden."""
    if viewer.api_key_id is not None:
        raise Forbidden("An API key cannot do this: sign in.")
    return viewer


Editor = Annotated[CurrentUser, Depends(get_editor)]
Person = Annotated[CurrentUser, Depends(get_person)]
