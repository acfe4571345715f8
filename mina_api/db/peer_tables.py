"""The rows by which processes know of each other and of what writers hold, and the statements on them."""

from sqlalchemy import ARRAY, Float, Text, bindparam, text
from sqlalchemy.orm import Mapped, mapped_column

from mina_api.db.base import Base, Moment


class CacheProcess(Base):
    """A process that may serve from a cache until its lease ends."""

    __tablename__ = "cache_processes"

    process: Mapped[str] = mapped_column(Text, primary_key=True)
    mode: Mapped[str] = mapped_column(Text)
    until: Mapped[Moment]
    epoch: Mapped[str | None] = mapped_column(Text)


class CacheHold(Base):
    """Tags that a writer holds with its peers: with all of them, or with those that have lost Redis."""

    __tablename__ = "cache_holds"

    owner: Mapped[str] = mapped_column(Text, primary_key=True)
    process: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    with_all: Mapped[bool]
    until: Mapped[Moment]


class CacheEpoch(Base):
    """The one row that says whose reign in Redis answers are kept in, and what entries of it are marked with."""

    __tablename__ = "cache_epoch"

    is_only: Mapped[bool] = mapped_column(primary_key=True, default=True)
    reign: Mapped[str] = mapped_column(Text)
    epoch: Mapped[str] = mapped_column(Text)


ENTER = """
    INSERT INTO cache_processes (process, mode, until) VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
    ON CONFLICT (process) DO UPDATE SET mode = excluded.mode, until = excluded.until, epoch = NULL
"""
CLEAN = """
    WITH holds AS (DELETE FROM cache_holds WHERE until < clock_timestamp())
    DELETE FROM cache_processes WHERE until < clock_timestamp() - interval '1 minute'
"""
# One statement, one snapshot: whoever's renewal does not see a hold began before that was committed.
RENEW = """
    WITH renewed AS (
        UPDATE cache_processes SET until = clock_timestamp() + make_interval(secs => $2)
        WHERE process = $1 AND until > clock_timestamp() RETURNING 1
    )
    SELECT EXISTS (SELECT FROM renewed) AS renewed, held.owner, held.process, held.tags, held.with_all
    FROM (SELECT) one LEFT JOIN cache_holds held ON held.until > clock_timestamp()
"""
LOOK = "SELECT owner, process, tags, with_all FROM cache_holds WHERE until > clock_timestamp()"
HOLD = """
    WITH held AS (
        INSERT INTO cache_holds (owner, process, tags, with_all, until)
        VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))
        ON CONFLICT (owner) DO UPDATE SET with_all = excluded.with_all OR cache_holds.with_all RETURNING 1
    )
    SELECT pg_notify('mina_held', '') FROM held
"""
RELEASE = """
    WITH released AS (DELETE FROM cache_holds WHERE owner = $1 RETURNING 1)
    SELECT pg_notify('mina_held', '') FROM released
"""
TELL = "SELECT pg_notify(channel, message) FROM unnest($1::text[], $2::text[]) AS told (channel, message)"
LEAVE = "DELETE FROM cache_processes WHERE process = $1"
# Until a lease's length after its end somebody's renewal may be on its way.
REGISTERED = text("""
    SELECT present.epoch, process, mode FROM (SELECT (SELECT epoch FROM cache_epoch)) present (epoch)
    LEFT JOIN cache_processes ON until > clock_timestamp() - make_interval(secs => :lease)
""").bindparams(bindparam("lease", type_=Float))
