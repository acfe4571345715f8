"""What the endpoints of sessions ask for: the database, snapshots of sessions for the cache, and the rooms to tell."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated

from fastapi import Depends, Request

from mina_api.db.session import Database, ReadSession
from mina_api.sessions import queries, service
from mina_api.sessions.live import Live
from mina_api.sessions.models import LiveSession, SessionStatus
from mina_api.web.dependencies import get_database

DatabaseOfApp = Annotated[Database, Depends(get_database)]
OpenShared = Callable[[int, int], AbstractAsyncContextManager[tuple[ReadSession, LiveSession]]]


async def get_shared_reads(database: DatabaseOfApp) -> OpenShared:
    """Opens a snapshot of a session (workspace, session) whose reading the cache may keep; raises NotFound.

    A session changes with every segment, and an invalidation with every segment would be dear. So a reader marks the
    session before its snapshot, and only who stores a segment in a marked one invalidates, and takes the mark away:
    a change that comes after the mark finds it, one that came before is in the snapshot.
    """

    @asynccontextmanager
    async def open_shared(workspace_id: int, session_id: int) -> AsyncIterator[tuple[ReadSession, LiveSession]]:
        async with database.read() as session:
            live = await service.get_session(session, workspace_id, session_id)
            if live.is_cached or live.status == SessionStatus.ENDED:
                yield session, live
                return
        async with database.write() as own:
            await queries.mark_cached(own, session_id)
        async with database.read() as session:
            yield session, await service.get_session(session, workspace_id, session_id)

    return open_shared


async def get_live(request: Request) -> Live:
    """This worker's part in live sessions."""
    live: Live = request.app.state.live
    return live


SharedReads = Annotated[OpenShared, Depends(get_shared_reads)]
LiveOfApp = Annotated[Live, Depends(get_live)]
