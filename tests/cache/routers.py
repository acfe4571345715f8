"""Routers under test: endpoints that are cached for who asks, and what counts their calls."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel

from mina_api.cache.fastapi import CachedRoute, Identity, Invalidation, cache_response, identify, invalidate_cache

bearer = OAuth2PasswordBearer("/token", auto_error=False)


def get_user(request: Request, token: Annotated[str | None, Depends(bearer)]) -> str:
    """The token is the user's name; `anonymous` is let in without an identity."""
    if token is None:
        raise HTTPException(401)
    if token != "anonymous":
        identify(request, Identity(token, "ws:1"))
    return token


User = Annotated[str, Depends(get_user)]


def a_router() -> APIRouter:
    return APIRouter(route_class=CachedRoute)


def as_user(name: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}", **headers}


class Answer(BaseModel):
    user: str
    number: int


class Calls:
    """Counts the endpoint's calls."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> int:
        self.count += 1
        return self.count


def a_counting_router(calls: Calls, **caching: Any) -> APIRouter:
    router = a_router()

    @router.get("/n")
    @cache_response(ttl=60, **caching)
    async def get_number(user: User, q: Annotated[list[int] | None, Query()] = None) -> Answer:
        return Answer(user=user, number=calls.next())

    return router


def a_writing_router(calls: Calls) -> APIRouter:
    router = a_counting_router(calls, prefix="analytics", tags=["meeting:1"])

    @router.post("/clear")
    @invalidate_cache(prefix="session")
    @invalidate_cache(prefix="analytics")
    async def clear(user: User) -> None: ...

    @router.post("/hook")
    async def hook(user: User, invalidation: Invalidation, tag: str, fail: bool = False) -> None:
        invalidation.add(tag)
        if fail:
            raise HTTPException(409)

    @router.post("/plain")
    @invalidate_cache(tags=[lambda context: f"meeting:{context.params['meeting_id']}"])
    def plain(user: User, meeting_id: int) -> int:
        return meeting_id

    return router
