"""Who asks: the viewer of a request, and what they may do."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from mina_api.auth.caching import viewer_policy
from mina_api.auth.models import Role
from mina_api.auth.passwords import Passwords
from mina_api.auth.queries import load_viewer
from mina_api.auth.service import Issuer
from mina_api.auth.tokens import AccessTokens
from mina_api.cache.fastapi import Cache, Identity, identify
from mina_api.errors import Forbidden, Unauthenticated
from mina_api.web.dependencies import Reads

bearer = OAuth2PasswordBearer("/api/auth/token", auto_error=False, description="an access token of `/api/auth/token`")


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """The user who asks, in the workspace that they act in."""

    id: int
    email: str
    name: str
    workspace_id: int
    workspace_name: str
    role: Role
    sign_in_id: int


def get_access_tokens(request: Request) -> AccessTokens:
    """The application's access tokens."""
    tokens: AccessTokens = request.app.state.access_tokens
    return tokens


def get_issuer(request: Request, tokens: Annotated[AccessTokens, Depends(get_access_tokens)]) -> Issuer:
    """Who gives out tokens."""
    return Issuer(tokens, request.app.state.refresh_token_days)


def get_passwords(request: Request) -> Passwords:
    """The application's password hasher."""
    passwords: Passwords = request.app.state.passwords
    return passwords


async def get_viewer(
    request: Request,
    token: Annotated[str | None, Depends(bearer)],
    tokens: Annotated[AccessTokens, Depends(get_access_tokens)],
    cache: Cache,
    reads: Reads,
) -> CurrentUser:
    """The viewer, whose sign-in, workspace and role are as of now; raises Unauthenticated."""
    if token is None:
        raise Unauthenticated("Sign in first: send an access token as `Authorization: Bearer …`.")
    claims = tokens.verify(token)

    async def load() -> dict[str, object] | None:
        async with reads() as session:
            found = await load_viewer(session, claims.user_id, claims.sign_in_id)
            return dict(found) if found else None

    key = f"viewer:{claims.user_id}:{claims.sign_in_id}"
    found = await cache.get_or_load(key, load, viewer_policy(claims.user_id))
    if found is None:
        raise Unauthenticated("The sign-in has ended.")
    viewer = CurrentUser(**{**found, "role": Role(found["role"])}, sign_in_id=claims.sign_in_id)
    identify(request, Identity(user_id=str(viewer.id), scope=f"ws:{viewer.workspace_id}"))
    return viewer


Viewer = Annotated[CurrentUser, Depends(get_viewer)]


def get_editor(viewer: Viewer) -> CurrentUser:
    """The viewer, if they may write; raises Forbidden."""
    if viewer.role is Role.VIEWER:
        raise Forbidden("Viewers of a workspace change nothing in it.")
    return viewer


Editor = Annotated[CurrentUser, Depends(get_editor)]
