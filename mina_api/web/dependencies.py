"""What endpoints ask for: snapshots to read from, and the unit of work that they write in."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

from fastapi import Depends, Request

from mina_api.cache.fastapi import Cache, Invalidation
from mina_api.db.session import Database, ReadSession, WriteSession
from mina_api.web.commit import CoherentCommit

ReadFactory = Callable[[], AbstractAsyncContextManager[ReadSession]]


async def get_database(request: Request) -> Database:
    """The application's database."""
    database: Database = request.app.state.database
    return database


async def get_reads(database: Annotated[Database, Depends(get_database)]) -> ReadFactory:
    """A factory of read sessions: a cached load opens its own, since it may outlive the request."""
    return database.read


async def get_reads_at_leisure(database: Annotated[Database, Depends(get_database)]) -> ReadFactory:
    """The same, of the read replica where there is one that has what the primary has."""
    return database.read_at_leisure


async def get_unit_of_work(
    request: Request, database: Annotated[Database, Depends(get_database)], cache: Cache, pending: Invalidation
) -> AsyncIterator[WriteSession]:
    """The request's write session: committed after the handler returns and before its answer is sent."""
    state = request.app.state
    async with database.write(CoherentCommit(cache, state.outbox, state.peers, pending)) as session:
        yield session


Reads = Annotated[ReadFactory, Depends(get_reads)]
ReadsAtLeisure = Annotated[ReadFactory, Depends(get_reads_at_leisure)]
UnitOfWork = Annotated[WriteSession, Depends(get_unit_of_work, scope="function")]
