"""What Postgres itself says that it did: its own counters, beside what the service says of its queries."""

from dataclasses import dataclass

import asyncpg

from benchmarks.mix.serving import COPY


@dataclass(frozen=True, slots=True)
class DatabaseWork:
    """Of one database: time in statements in seconds, transactions, blocks of 8 KB that were looked at, rows read."""

    statement_seconds: float = 0.0
    transactions: int = 0
    blocks: int = 0
    rows: int = 0

    def __add__(self, other: "DatabaseWork") -> "DatabaseWork":
        return DatabaseWork(
            self.statement_seconds + other.statement_seconds,
            self.transactions + other.transactions,
            self.blocks + other.blocks,
            self.rows + other.rows,
        )

    def __sub__(self, other: "DatabaseWork") -> "DatabaseWork":
        return DatabaseWork(
            self.statement_seconds - other.statement_seconds,
            self.transactions - other.transactions,
            self.blocks - other.blocks,
            self.rows - other.rows,
        )


async def work_so_far(database_url: str) -> DatabaseWork:
    """The counters of pg_stat_database; those of connections that are still open may be behind."""
    connection = await asyncpg.connect(database_url)
    try:
        row = await connection.fetchrow(
            "SELECT active_time, xact_commit + xact_rollback AS transactions, blks_hit + blks_read AS blocks,"
            " tup_returned FROM pg_stat_database WHERE datname = $1",
            COPY,
        )
    finally:
        await connection.close()
    assert row is not None, "the copy is there"
    return DatabaseWork(row["active_time"] / 1000, row["transactions"], row["blocks"], row["tup_returned"])
