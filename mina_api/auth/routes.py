"""`/api/auth`: registering, tokens, and who one is."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from mina_api.auth import service
from mina_api.auth.caching import user_tag
from mina_api.auth.dependencies import Viewer, get_issuer, get_passwords
from mina_api.auth.passwords import Passwords
from mina_api.auth.queries import revoke_sign_in
from mina_api.auth.schemas import Me, Refresh, Registration, TokenPair, WorkspaceOfMine
from mina_api.auth.service import Issuer
from mina_api.cache.fastapi import CachedRoute, Invalidation, cache_response
from mina_api.web.clock import Now
from mina_api.web.dependencies import Reads, UnitOfWork
from mina_api.web.problems import problem, responses

router = APIRouter(prefix="/api/auth", tags=["Auth"], route_class=CachedRoute)

IssuerOf = Annotated[Issuer, Depends(get_issuer)]
PasswordsOf = Annotated[Passwords, Depends(get_passwords)]


@router.post("/register", status_code=201, summary="Make an account", responses=responses(409, 422, 503))
async def register(
    registration: Registration, session: UnitOfWork, passwords: PasswordsOf, issuer: IssuerOf, now: Now
) -> TokenPair:
    """A new user with a new workspace, signed in."""
    password_hash = await passwords.hash(registration.password)
    user_id = await service.register(session, registration, password_hash)
    return await issuer.sign_in(session, user_id, now())


@router.post("/token", summary="Sign in", responses=responses(401, 422, 503))
async def create_token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    reads: Reads,
    session: UnitOfWork,
    passwords: PasswordsOf,
    issuer: IssuerOf,
    now: Now,
) -> TokenPair:
    """Tokens for an e-mail address (as `username`) and a password, as a form (RFC 6749 section 4.3)."""
    async with reads() as snapshot:
        user_id = await service.check_password(snapshot, passwords, form.username, form.password)
    return await issuer.sign_in(session, user_id, now())


@router.post(
    "/refresh", summary="Exchange a refresh token", response_model=TokenPair, responses=responses(401, 422, 503)
)
async def refresh_token(
    request: Request, body: Refresh, session: UnitOfWork, issuer: IssuerOf, invalidation: Invalidation, now: Now
) -> TokenPair | Response:
    """The next pair of tokens; the old refresh token is used up, and using it again ends the sign-in."""
    user_id, pair = await service.refresh(session, issuer, body.refresh_token, now())
    if pair is None:
        invalidation.add(user_tag(user_id))
        detail = "The refresh token was used before: the sign-in has been ended."
        return problem(request, 401, detail, headers={"WWW-Authenticate": "Bearer"})
    return pair


@router.post("/logout", status_code=204, summary="Sign out", responses=responses(401, 503))
async def logout(viewer: Viewer, session: UnitOfWork, invalidation: Invalidation, now: Now) -> None:
    """Ends this sign-in: its tokens are refused from now on, by every worker."""
    await revoke_sign_in(session, viewer.sign_in_id, now())
    invalidation.add(user_tag(viewer.id))


@router.get("/me", summary="Who I am", responses=responses(401, 503))
@cache_response(ttl=300, prefix="session")
async def get_me(viewer: Viewer) -> Me:
    """The account that asks, and the workspace that it acts in."""
    workspace = WorkspaceOfMine(id=viewer.workspace_id, name=viewer.workspace_name, role=viewer.role)
    return Me(id=viewer.id, email=viewer.email, name=viewer.name, workspace=workspace)
