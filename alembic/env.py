"""Alembic's environment: runs migrations over the application's own tables, on the URL that it is given.

`mina migrate` passes `database_url` in `attributes`; `alembic` on the command line reads DATABASE_URL.
"""

import asyncio
import os

from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

import mina_api.analytics.models
import mina_api.auth.models
import mina_api.db.outbox
import mina_api.db.peer_tables
import mina_api.meetings.models
import mina_api.sessions.fingerprints.models
import mina_api.sessions.models
import mina_api.transcripts.models
import mina_api.web.idempotency  # noqa: F401  (each registers its tables)
from alembic import context
from mina_api.db.base import Base
from mina_api.db.engines import driver_address

# Two processes that migrate at once take turns; the number is this program's own.
LOCK = 7_216_054_911


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        context.run_migrations()


async def run_on(url: str) -> None:
    address, arguments = driver_address(url)
    engine = create_async_engine(address, poolclass=pool.NullPool, connect_args=arguments)
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


asyncio.run(run_on(context.config.attributes.get("database_url") or os.environ["DATABASE_URL"]))
