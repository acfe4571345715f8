"""What the FastAPI servers have in common: the user as a dependency, the page as a response model, a count of loads."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

from benchmarks.speed.servers import page
from benchmarks.speed.servers.page import Unauthorized, verified_user


class Participant(BaseModel):
    """Somebody in a meeting."""

    name: str
    email: str


class Meeting(BaseModel):
    """One item of a page."""

    id: int
    title: str
    description: str
    status: str
    scheduled_at: str
    started_at: str
    ended_at: str
    duration_seconds: float
    tags: list[str]
    participants: list[Participant]
    participant_count: int
    segment_count: int


class Page(BaseModel):
    """A page of meetings."""

    items: list[Meeting]
    page: int
    per_page: int
    total: int
    pages: int


async def current_user(request: Request) -> int:
    """The user who asks; raises 401."""
    try:
        return verified_user(request.headers.get("authorization"))
    except Unauthorized:
        raise HTTPException(401) from None


User = Annotated[int, Depends(current_user)]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def an_app(lifespan: Lifespan | None = None, kind: type[FastAPI] = FastAPI) -> FastAPI:
    """An application that says at `/loads` how many pages it made."""
    app = kind(lifespan=partial(_settled, lifespan))

    @app.get("/loads")
    async def get_loads() -> int:
        return page.loads

    return app


@asynccontextmanager
async def _settled(lifespan: Lifespan | None, app: FastAPI) -> AsyncIterator[None]:
    async with lifespan(app) if lifespan is not None else nullcontext():
        page.settle()
        yield
