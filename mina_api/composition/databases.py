"""Postgres' parts: its pools, the workers' agreement by it, and its locks."""

from mina_api.cache.clock import SystemClock
from mina_api.db.key_locks import PostgresKeyLock
from mina_api.db.outbox import Outbox
from mina_api.db.peers import PostgresPeers
from mina_api.db.session import Database
from mina_api.settings import Settings

# Of one worker, each a connection beside that of its load; fewer where the pool is small.
KEY_LOCKS_AT_ONCE = 4


def database(settings: Settings) -> Database:
    """Postgres, with its pools; nothing is connected yet."""
    given = settings.database
    return Database(
        given.sqlalchemy_url,
        pool_size=given.pool_size,
        pool_overflow=given.pool_overflow,
        pool_timeout_seconds=given.pool_timeout_seconds,
        connect_timeout_seconds=given.connect_timeout_seconds,
        statement_timeout_seconds=given.statement_timeout_seconds,
        pools_transactions=given.listen_url is not None,
        replica_url=given.sqlalchemy_replica_url,
        replica_wait_seconds=given.replica_wait_seconds,
    )


def peers(settings: Settings, database: Database, outbox: Outbox) -> PostgresPeers:
    """The workers' agreement by Postgres, for while one has lost Redis."""
    return PostgresPeers(
        settings.database.plain_listen_url,
        database,
        drain=outbox.drain,
        lease_seconds=settings.cache.peer_lease_seconds,
        hold_seconds=hold_seconds(settings),
        timeout_seconds=settings.database.connect_timeout_seconds,
        serves_without_postgres=settings.cache.serve_without_postgres,
        now=SystemClock().monotonic,
    )


def key_lock(settings: Settings, database: Database) -> PostgresKeyLock:
    """One load per key by Postgres, for while Redis is lost."""
    given = settings.database
    most = min((given.pool_size + given.pool_overflow) // 4, KEY_LOCKS_AT_ONCE)
    return PostgresKeyLock(database.engine, most=most, wait_seconds=settings.cache.wait_seconds)


def hold_seconds(settings: Settings) -> float:
    """Longer than any COMMIT takes."""
    return 2 * settings.database.statement_timeout_seconds
