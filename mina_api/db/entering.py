"""What comes before a process is a peer: writers that have yet to look know it, and those that have are waited for."""

from sqlalchemy import text

from mina_api.db.epochs import join_epoch
from mina_api.db.notify import ListenerConnection
from mina_api.db.outbox import WRITERS
from mina_api.db.peer_tables import CLEAN, ENTER
from mina_api.db.peering import Mode
from mina_api.db.session import Database

# A row's own end while its process waits to be let in: it serves nothing yet.
ENTERING_SECONDS = 60.0
_LOCK_ALONE = text("SELECT pg_advisory_xact_lock(:writers)").bindparams(writers=WRITERS)


async def register(connection: ListenerConnection, process: str, mode: Mode) -> None:
    """Have writers find `process` from now on, and nobody that ended long ago; raises one of LOST."""
    await connection.fetch(CLEAN)
    await connection.fetch(ENTER, process, mode, ENTERING_SECONDS)


async def wait_for_writers(database: Database, process: str, reign: str | None, lease_seconds: float) -> str | None:
    """Wait for the writers that looked for peers before `process` was one: each is in a transaction until its COMMIT.

    The epoch of `reign` that was joined then; None without a reign, or where it cannot be in force.
    """
    async with database.write() as session:
        await session.execute(_LOCK_ALONE)
        return None if reign is None else await join_epoch(session, process, reign, lease_seconds)
