"""Writing the demo workspace: by COPY, in one transaction, through the tables that the service itself uses."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import asyncpg
from pwdlib import PasswordHash

from mina_api.cache.tags import prefix_tag
from mina_api.dev.demo.calendar import Occasion, calendar
from mina_api.dev.demo.cast import PEOPLE
from mina_api.dev.demo.rows import COLUMNS, Rows, rows_of

DEMO_EMAIL = "demo@example.com"
DEMO_PASSWORD = "demo-password"  # noqa: S105  (the demo's own, on the page that welcomes)
WORKSPACE = "Lantern (demo)"
BATCH = 100

Progress = Callable[[int, int], None]


def _silent(_: int, __: int) -> None:
    return


async def seed_demo(database_url: str) -> bool:
    """Fill an empty database, so that a newcomer has something to see; whether it was empty."""
    connection = await asyncpg.connect(database_url)
    try:
        if await connection.fetchval("SELECT EXISTS (SELECT FROM users)"):
            return False
    finally:
        await connection.close()
    await fill(database_url)
    return True


async def fill(
    database_url: str,
    *,
    seed: int = 1,
    meetings: int | None = None,
    today: date | None = None,
    email: str = DEMO_EMAIL,
    report: Progress = _silent,
) -> int:
    """Give the user `email`, made if need be, a year of meetings: one team's, or `meetings` in all; how many.

    The same seed and day give the same meetings, whatever was there before.
    """
    planned = calendar(seed, today or datetime.now(UTC).date(), meetings)
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            account = await _account(connection, email)
            await _write(connection, seed, account, planned, report)
            await connection.execute(
                "INSERT INTO invalidation_outbox (tags) VALUES ($1)", [prefix_tag("session"), prefix_tag("analytics")]
            )
        await connection.execute(f"VACUUM (ANALYZE) {', '.join(COLUMNS)}, transcript_search")
    finally:
        await connection.close()
    return len(planned)


async def _account(connection: asyncpg.Connection, email: str) -> tuple[int, int]:
    found = await connection.fetchrow(
        "SELECT id, current_workspace_id FROM users WHERE lower(email) = lower($1)", email
    )
    if found is not None:
        return found["id"], found["current_workspace_id"]
    hashed = PasswordHash.recommended().hash(DEMO_PASSWORD)
    workspace_id = await connection.fetchval("INSERT INTO workspaces (name) VALUES ($1) RETURNING id", WORKSPACE)
    user_id = await connection.fetchval(
        "INSERT INTO users (email, name, password_hash, current_workspace_id) VALUES ($1, $2, $3, $4) RETURNING id",
        email,
        PEOPLE[0].name,
        hashed,
        workspace_id,
    )
    await connection.execute(
        "INSERT INTO memberships (workspace_id, user_id, role) VALUES ($1, $2, 'owner')", workspace_id, user_id
    )
    return user_id, workspace_id


async def _write(
    connection: asyncpg.Connection, seed: int, account: tuple[int, int], planned: Sequence[Occasion], report: Progress
) -> None:
    """Write the meetings in batches; while Postgres takes one, a thread makes up the next."""
    numbered = list(zip(await _new_ids(connection, len(planned)), planned, strict=True))
    batches = [numbered[first : first + BATCH] for first in range(0, len(numbered), BATCH)]

    def make(number: int) -> asyncio.Task[Rows]:
        batch = batches[number] if number < len(batches) else []
        return asyncio.create_task(asyncio.to_thread(rows_of, seed, *account, batch))

    making = make(0)
    try:
        for number, batch in enumerate(batches):
            rows = await making
            making = make(number + 1)
            await _copy(connection, rows)
            report(number * BATCH + len(batch), len(planned))
    finally:
        await making


async def _new_ids(connection: asyncpg.Connection, count: int) -> list[int]:
    found = await connection.fetch(
        "SELECT nextval(pg_get_serial_sequence('meetings', 'id')) AS id FROM generate_series(1, $1)", count
    )
    return [row["id"] for row in found]


async def _copy(connection: asyncpg.Connection, rows: Rows) -> None:
    for table, records in rows.tables.items():
        await connection.copy_records_to_table(table, columns=COLUMNS[table], records=records)
    await connection.execute(
        "INSERT INTO transcript_search (meeting_id, search)"
        " SELECT id, to_tsvector('english', words) FROM unnest($1::bigint[], $2::text[]) AS found (id, words)",
        [meeting_id for meeting_id, _ in rows.searched],
        [words for _, words in rows.searched],
    )
