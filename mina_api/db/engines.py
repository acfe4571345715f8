"""Engines over asyncpg: to Postgres itself, or by way of a PgBouncer that pools transactions.

Such a pooler gives each transaction whatever server connection is free: nothing may outlive a transaction there. So
statements are prepared without a name, within the transaction that executes them, and the time-outs, which would be
the connection's own, are set in each transaction: PgBouncer takes neither as a start-up parameter. Both go with every
version of it, whether or not it keeps track of prepared statements (1.21 and later may).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

# Those that PgBouncer keeps for its clients.
KEPT: Mapping[str, str] = {"application_name": "mina", "TimeZone": "UTC"}


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How many connections an engine keeps, and how long it waits for what; in seconds."""

    size: int
    overflow: int
    timeout_seconds: float
    connect_timeout_seconds: float
    statement_timeout_seconds: float


def make_engine(url: str, options: PoolOptions, *, pools_transactions: bool = False) -> AsyncEngine:
    """An engine on `url`, which may be that of a PgBouncer in transaction mode."""
    milliseconds = str(round(options.statement_timeout_seconds * 1000))
    limits = {"statement_timeout": milliseconds, "idle_in_transaction_session_timeout": milliseconds}
    arguments: dict[str, Any] = {
        "timeout": options.connect_timeout_seconds,
        "server_settings": dict(KEPT) if pools_transactions else {**KEPT, **limits},
    }
    if pools_transactions:
        arguments |= {
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": _nameless,
        }
    address, of_address = driver_address(url)
    arguments |= of_address
    engine = create_async_engine(
        address,
        pool_size=options.size,
        max_overflow=options.overflow,
        pool_timeout=options.timeout_seconds,
        pool_pre_ping=True,
        connect_args=arguments,
    )
    if pools_transactions:
        _limit_each_transaction(engine, limits)
    return engine


def driver_address(url: str) -> tuple[str, dict[str, Any]]:
    """A URL as SQLAlchemy takes it, and what goes to asyncpg beside it: all that libpq's words after `?` say of TLS.

    asyncpg reads `sslmode`, `sslrootcert` and the like in a DSN, as libpq does; SQLAlchemy would hand them over as
    arguments, which asyncpg does not have.
    """
    _, _, rest = url.partition("://")
    plain, has_words, _ = rest.partition("?")
    return f"postgresql+asyncpg://{plain}", {"dsn": f"postgresql://{rest}"} if has_words else {}


def _nameless() -> str:
    return ""


def _limit_each_transaction(engine: AsyncEngine, limits: Mapping[str, str]) -> None:
    statement = text("SELECT " + ", ".join(f"set_config('{name}', :{name}, true)" for name in limits))

    def limit(connection: Connection) -> None:
        connection.execute(statement, dict(limits))

    event.listen(engine.sync_engine, "begin", limit)
