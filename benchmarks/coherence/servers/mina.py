"""The same three routes in the whole of Mina, by its own cache, sessions and commits."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import text

from mina_api.app import create_app
from mina_api.cache.fastapi import CachedRoute, Invalidation, TagContext, cache_response
from mina_api.web.dependencies import Reads, UnitOfWork

router = APIRouter(route_class=CachedRoute)


def version_of(context: TagContext) -> str:
    """The tag of the meeting that the path names."""
    return f"version:{context.params['meeting_id']}"


@router.get("/versioned/{meeting_id}")
@cache_response(ttl=60, shared=True, tags=[version_of])
async def get_meeting(meeting_id: int, reads: Reads) -> dict[str, Any]:
    """One."""
    async with reads() as session:
        row = (
            await session.execute(text("SELECT id, version FROM versioned WHERE id = :id"), {"id": meeting_id})
        ).one()
    return dict(row._mapping)


@router.get("/versioned")
@cache_response(ttl=60, shared=True, tags=["versions"])
async def get_meetings(reads: Reads) -> list[dict[str, Any]]:
    """All."""
    async with reads() as session:
        rows = (await session.execute(text("SELECT id, version FROM versioned ORDER BY id"))).all()
    return [dict(row._mapping) for row in rows]


@router.put("/versioned/{meeting_id}/{version}")
async def put_meeting(meeting_id: int, version: int, session: UnitOfWork, invalidation: Invalidation) -> dict[str, Any]:
    """A new version."""
    statement = text("UPDATE versioned SET version = :version WHERE id = :id")
    await session.execute(statement, {"id": meeting_id, "version": version})
    invalidation.add(f"version:{meeting_id}", "versions")
    return {"version": version}


app = create_app()
app.include_router(router)
