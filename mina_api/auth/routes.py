"""`/api/auth`: registering, tokens, and who one is."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from mina_api.auth import api_keys, queries, service
from mina_api.auth.caching import user_tag
from mina_api.auth.dependencies import Person, Viewer, get_issuer, get_passwords, get_sign_in_throttle
from mina_api.auth.models import ApiKey, Role
from mina_api.auth.passwords import Passwords
from mina_api.auth.schemas import (
    ApiKeyDetail,
    ApiKeyWithSecret,
    Me,
    NewApiKey,
    Refresh,
    Registration,
    TokenPair,
    WorkspaceOfMine,
)
from mina_api.auth.service import Issuer
from mina_api.auth.throttling import Attempt, SignInThrottle
from mina_api.cache.fastapi import CachedRoute, Invalidation, cache_response
from mina_api.errors import NotFound, Unauthenticated
from mina_api.web.clock import Now
from mina_api.web.dependencies import Reads, UnitOfWork
from mina_api.web.openapi import responses
from mina_api.web.pagination import Page, Paging
from mina_api.web.problems import problem
from mina_api.web.routing import Router

router = Router(prefix="/api/auth", tags=["Auth"], route_class=CachedRoute)

IssuerOf = Annotated[Issuer, Depends(get_issuer)]
ThrottleOf = Annotated[SignInThrottle, Depends(get_sign_in_throttle)]
PasswordsOf = Annotated[Passwords, Depends(get_passwords)]

FORM = {"grant_type": "password", "username": "ada@example.com", "password": "correct horse battery"}
SIGN_IN: dict[str, Any] = {"requestBody": {"content": {"application/x-www-form-urlencoded": {"example": FORM}}}}


@router.post("/register", status_code=201, summary="Make an account", responses=responses(409, 422, 503))
async def register(
    registration: Registration, session: UnitOfWork, passwords: PasswordsOf, issuer: IssuerOf, now: Now
) -> TokenPair:
    """A new user with a new workspace, signed in."""
    password_hash = await passwords.hash(registration.password)
    user_id = await service.register(session, registration, password_hash)
    return await issuer.sign_in(session, user_id, now())


@router.post("/token", summary="Sign in", responses=responses(401, 422, 429, 503), openapi_extra=SIGN_IN)
async def create_token(
    request: Request,
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    reads: Reads,
    session: UnitOfWork,
    passwords: PasswordsOf,
    throttle: ThrottleOf,
    issuer: IssuerOf,
    now: Now,
) -> TokenPair:
    """Tokens for an e-mail address (as `username`) and a password, as a form (RFC 6749 section 4.3).

    Ten wrong attempts at one account from one address within 15 minutes, and the next ones are 429.
    """
    attempt = Attempt(form.username, request.client.host if request.client else "")
    user_id = await service.check_password(reads, passwords, throttle, attempt, form.password)
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


@router.post("/logout", status_code=204, summary="Sign out", responses=responses(401, 403, 503))
async def logout(viewer: Person, session: UnitOfWork, invalidation: Invalidation, now: Now) -> None:
    """Ends this sign-in: its tokens are refused from now on, by every worker."""
    assert viewer.sign_in_id is not None  # noqa: S101  (a Person has signed in)
    await queries.revoke_sign_in(session, viewer.sign_in_id, now())
    invalidation.add(user_tag(viewer.id))


@router.get("/me", summary="Who I am", responses=responses(401, 503))
@cache_response(ttl=300, prefix="session")
async def get_me(viewer: Viewer, reads: Reads) -> Me:
    """The account that asks, and the workspace that it acts in."""
    async with reads() as session:
        account = await queries.load_account(session, viewer.id, viewer.workspace_id)
    if account is None:
        raise Unauthenticated("The membership has ended.")
    role = Role.VIEWER if viewer.reads_alone else Role(account["role"])
    workspace = WorkspaceOfMine(id=viewer.workspace_id, name=account["workspace_name"], role=role)
    return Me(id=account["id"], email=account["email"], name=account["name"], workspace=workspace)


@router.post("/api-keys", status_code=201, summary="Make an API key", responses=responses(401, 403, 422, 503))
async def create_api_key(new: NewApiKey, person: Person, session: UnitOfWork, now: Now) -> ApiKeyWithSecret:
    """A key for a program, to the workspace that one acts in now; it is shown this once, and stored hashed."""
    secret = api_keys.new_key(person.id)
    key = ApiKey(
        user_id=person.id,
        workspace_id=person.workspace_id,
        name=new.name,
        prefix=api_keys.shown_prefix(secret),
        digest=api_keys.digest(secret),
        scope=new.scope,
        expires_at=now() + timedelta(days=new.expires_in_days),
    )
    session.add(key)
    await session.flush()
    await session.refresh(key)
    return ApiKeyWithSecret(**dict(ApiKeyDetail.of(key)), key=secret)


@router.get("/api-keys", summary="List my API keys", responses=responses(401, 403, 422, 503))
async def list_api_keys(person: Person, reads: Reads, paging: Paging) -> Page[ApiKeyDetail]:
    """A page of one's keys, the newest first; their secrets are nowhere."""
    async with reads() as session:
        keys, total = await queries.list_api_keys(session, person.id, offset=paging.offset, limit=paging.per_page)
    return Page[ApiKeyDetail].of([ApiKeyDetail.of(key) for key in keys], paging, total)


@router.delete(
    "/api-keys/{api_key_id}", status_code=204, summary="Delete an API key", responses=responses(401, 403, 404, 422, 503)
)
async def delete_api_key(
    api_key_id: Annotated[int, Path(ge=1, le=2**63 - 1, description="the key's id", examples=[3])],
    person: Person,
    session: UnitOfWork,
    invalidation: Invalidation,
) -> None:
    """The key is refused from now on, by every worker."""
    if not await queries.delete_api_key(session, person.id, api_key_id):
        raise NotFound("There is no such API key.")
    invalidation.add(user_tag(person.id))
