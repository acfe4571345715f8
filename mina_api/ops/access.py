"""Who may operate: the ops token, everywhere; an admin or owner of a workspace, within it."""

import secrets
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from mina_api.auth.dependencies import CurrentUser, bearer, get_access_tokens, get_viewer, key_header
from mina_api.auth.models import Role
from mina_api.auth.tokens import AccessTokens
from mina_api.cache.fastapi import Cache
from mina_api.errors import Forbidden, Unauthenticated
from mina_api.ops.cookies import COOKIE, Cookies
from mina_api.web.dependencies import Reads

ADMINS = frozenset((Role.ADMIN, Role.OWNER))


@dataclass(frozen=True, slots=True)
class Operator:
    """Who operates; `scope` is the workspace that entries are shown and cleared in, None for all.

    What is counted is counted over all workspaces, and shown to every operator: it names nobody.
    """

    scope: str | None
    name: str

    def may_see(self, tags: tuple[str, ...]) -> bool:
        """Whether an entry under `tags` is of their workspace."""
        return self.scope is None or any(tag.startswith(f"{self.scope}:") for tag in tags)

    def may_see_who_changed(self, tag: str) -> bool:
        """Whether only their workspace's people change what `tag` names: a user may be in others, too."""
        return self.scope is None or not tag.startswith(("user:", "ws:")) or self.may_see((tag,))


class OpsToken:
    """The token of the operations calls; without one nobody has it."""

    def __init__(self, token: str | None) -> None:
        self._token = token.encode() if token else None

    def is_given(self, token: str | None) -> bool:
        """Whether `token` is it, in a time that says nothing of where they differ."""
        if self._token is None or token is None:
            return False
        return secrets.compare_digest(self._token, token.encode())


async def get_ops_token(request: Request) -> OpsToken:
    """The application's ops token."""
    token: OpsToken = request.app.state.ops_token
    return token


async def get_cookies(request: Request) -> Cookies:
    """The application's sessions of the dashboard."""
    cookies: Cookies = request.app.state.ops_cookies
    return cookies


async def get_operator(
    request: Request,
    token: Annotated[str | None, Depends(bearer)],
    key: Annotated[str | None, Depends(key_header)],
    ops_token: Annotated[OpsToken, Depends(get_ops_token)],
    cookies: Annotated[Cookies, Depends(get_cookies)],
    tokens: Annotated[AccessTokens, Depends(get_access_tokens)],
    cache: Cache,
    reads: Reads,
) -> Operator:
    """Who operates, by token, API key or the dashboard's session; raises Unauthenticated and Forbidden."""
    if ops_token.is_given(token):
        return Operator(None, "ops token")
    if token is None and key is None:
        if (session := request.cookies.get(COOKIE)) is None:
            raise Unauthenticated(
                "Sign in first: send the ops token, or an admin's token, as `Authorization: Bearer …`."
            )
        _require_own_origin(request)
        claims = cookies.read(session)
        if claims is None:
            raise Unauthenticated("The session has ended: sign in again.")
        if claims.sign_in is None:
            return Operator(None, "ops token")
        token = tokens.issue(claims.sign_in)
    return operator_of(await get_viewer(request, token, key, tokens, cache, reads))


def operator_of(viewer: CurrentUser) -> Operator:
    """The viewer as who operates their workspace; raises Forbidden unless they administer it."""
    if viewer.role not in ADMINS:
        raise Forbidden("Operating takes the role of an admin, or the ops token.")
    return Operator(f"ws:{viewer.workspace_id}", viewer.email)


def _require_own_origin(request: Request) -> None:
    """A cookie comes along with whatever a browser sends: what changes something has to be sent by our own page."""
    origin = request.headers.get("origin")
    if request.method not in ("GET", "HEAD") and (origin is None or urlsplit(origin).netloc != request.url.netloc):
        raise Forbidden("This came from another site's page.")


OperatorOf = Annotated[Operator, Depends(get_operator)]
