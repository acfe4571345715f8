"""Which server of Redis answers are kept in: one at a time, agreed on in Postgres.

A *reign* is one server's time as the primary. After a failover, a partition or a misconfiguration two servers may
take themselves for it, or the one that replaces it may lack what was acknowledged. So a process uses the reign
that is in force or none, and another one is put in force, by an *epoch* that was never before, only

- under the writers' lock taken alone: no writer is between the note of its tags and its COMMIT,
- and once no process has a lease under the epoch before, nor a renewal of one on its way.

An entry carries the epoch it was stored in. What is served in an epoch was loaded in it, hence has every write that
was committed before it began; and a write that commits in it has seen it in force, under its share of the lock:
its hold counts as placed only if it was placed in that very epoch. (docs/coherence.md)
"""

import secrets

from sqlalchemy import Float, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

# What asks those who use another server to look where theirs is.
DOUBTED = "mina_doubted"

_IN_FORCE = text("SELECT reign, epoch FROM cache_epoch")
_OTHERS = text("""
    SELECT EXISTS (SELECT FROM cache_processes WHERE epoch = :epoch AND process <> :process
                   AND until > clock_timestamp() - make_interval(secs => :lease))
""").bindparams(bindparam("lease", type_=Float))
_PUT_IN_FORCE = text("""
    INSERT INTO cache_epoch (is_only, reign, epoch) VALUES (true, :reign, :epoch)
    ON CONFLICT (is_only) DO UPDATE SET reign = excluded.reign, epoch = excluded.epoch
""")
_JOIN = text("UPDATE cache_processes SET epoch = :epoch WHERE process = :process")
_DOUBT = text(f"SELECT pg_notify('{DOUBTED}', '')")


class AnotherServer(ConnectionError):
    """Peers keep answers in another server of Redis than the one that was found here."""


async def epoch_in_force(session: AsyncSession) -> str | None:
    """The epoch in force."""
    row = (await session.execute(_IN_FORCE)).one_or_none()
    return None if row is None else str(row.epoch)


async def join_epoch(session: AsyncSession, process: str, reign: str, lease_seconds: float) -> str | None:
    """Be of the epoch of `reign`, which is put in force if that is possible; the epoch, None if it is not.

    The transaction has the writers' lock alone. Where others use another server, they are asked to look again.
    """
    row = (await session.execute(_IN_FORCE)).one_or_none()
    epoch = None if row is None else str(row.epoch)
    if row is None or row.reign != reign:
        others = {"epoch": epoch, "process": process, "lease": lease_seconds}
        if epoch is not None and (await session.execute(_OTHERS, others)).scalar_one():
            await session.execute(_DOUBT)
            return None
        epoch = secrets.token_urlsafe(12)
        await session.execute(_PUT_IN_FORCE, {"reign": reign, "epoch": epoch})
    await session.execute(_JOIN, {"epoch": epoch, "process": process})
    return epoch
