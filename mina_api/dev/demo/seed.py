"""Writing the demo workspace: by COPY, in one transaction, through the tables that the service itself uses."""

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import asyncpg
from pwdlib import PasswordHash

from mina_api.analytics.measures import measure
from mina_api.analytics.rollups import meeting_row, speaker_rows
from mina_api.cache.tags import prefix_tag
from mina_api.dev.demo.calendar import Occasion, occasions, participants
from mina_api.dev.demo.cast import PEOPLE, TASKS
from mina_api.dev.demo.talk import conversation
from mina_api.transcripts.queries import SEARCHED_CHARACTERS
from mina_api.transcripts.segments import Utterance

DEMO_EMAIL = "demo@example.com"
DEMO_PASSWORD = "demo-password"  # noqa: S105  (the demo's own, on the page that welcomes)
WORKSPACE = "Lantern (demo)"

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
    database_url: str, *, seed: int = 1, today: date | None = None, email: str = DEMO_EMAIL, report: Progress = _silent
) -> int:
    """Give the user `email`, made if need be, a year of meetings; how many.

    The same seed and day give the same meetings, whatever was there before.
    """
    chance = random.Random(seed)  # noqa: S311  (a story, not a secret)
    planned = list(occasions(chance, today or datetime.now(UTC).date()))
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            user_id, workspace_id = await _account(connection, email)
            for number, occasion in enumerate(planned, 1):
                await _meeting(connection, chance, user_id, workspace_id, occasion)
                report(number, len(planned))
            await connection.execute(
                "INSERT INTO invalidation_outbox (tags) VALUES ($1)", [prefix_tag("session"), prefix_tag("analytics")]
            )
        await connection.execute("ANALYZE")
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


async def _meeting(
    connection: asyncpg.Connection, chance: random.Random, user_id: int, workspace_id: int, occasion: Occasion
) -> None:
    utterances: list[Utterance] = []
    ended_at = None
    if occasion.started_at is not None:
        people = [PEOPLE[each] for each in occasion.people]
        utterances = conversation(chance, people, occasion.minutes, occasion.series.subject)
        last = max(each.end_ms for each in utterances)
        ended_at = occasion.started_at + timedelta(milliseconds=last + chance.randint(2_000, 20_000))
    meeting_id = await connection.fetchval(
        "INSERT INTO meetings (workspace_id, title, description, status, scheduled_at, started_at, ended_at, tags,"
        " participants, segment_count, last_end_ms, created_by, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id",
        workspace_id,
        occasion.series.title,
        f"About {occasion.series.subject}.",
        occasion.status,
        occasion.scheduled_at,
        occasion.started_at,
        ended_at,
        list(occasion.series.tags),
        json.dumps(participants(occasion)),
        len(utterances),
        max((each.end_ms for each in utterances), default=None),
        user_id,
        min(occasion.scheduled_at, datetime.now(UTC)) - timedelta(days=6),
    )
    if utterances:
        await _transcript(connection, meeting_id, utterances)
        await _rollup(connection, meeting_id, workspace_id, utterances)
        await _tasks(connection, chance, meeting_id, workspace_id, occasion)


async def _transcript(connection: asyncpg.Connection, meeting_id: int, utterances: list[Utterance]) -> None:
    positions = {label: number for number, label in enumerate(dict.fromkeys(each.speaker for each in utterances))}
    await connection.copy_records_to_table(
        "speakers",
        columns=["meeting_id", "position", "label"],
        records=[(meeting_id, position, label) for label, position in positions.items()],
    )
    await connection.copy_records_to_table(
        "segments",
        columns=["meeting_id", "position", "speaker", "start_ms", "end_ms", "text"],
        records=[
            (meeting_id, number, positions[each.speaker], each.start_ms, each.end_ms, each.text)
            for number, each in enumerate(utterances)
        ],
    )
    await connection.execute(
        "INSERT INTO transcript_search (meeting_id, search) VALUES ($1, to_tsvector('english', $2))",
        meeting_id,
        " ".join(each.text for each in utterances)[:SEARCHED_CHARACTERS],
    )


async def _rollup(
    connection: asyncpg.Connection, meeting_id: int, workspace_id: int, utterances: list[Utterance]
) -> None:
    measures = measure(utterances)
    for table, rows in (
        ("meeting_rollups", [meeting_row(meeting_id, measures)]),
        ("speaker_rollups", speaker_rows(meeting_id, workspace_id, measures)),
    ):
        await connection.copy_records_to_table(
            table, columns=list(rows[0]), records=[tuple(row.values()) for row in rows]
        )


async def _tasks(
    connection: asyncpg.Connection, chance: random.Random, meeting_id: int, workspace_id: int, occasion: Occasion
) -> None:
    day = occasion.scheduled_at.date()
    records = [
        (
            workspace_id,
            meeting_id,
            title,
            PEOPLE[chance.choice(occasion.people)].name,
            day + timedelta(days=chance.randint(2, 21)),
            chance.random() < 0.85,
        )
        for title in chance.sample(TASKS, chance.choice((0, 0, 1, 1, 2)))
    ]
    await connection.copy_records_to_table(
        "tasks", columns=["workspace_id", "meeting_id", "title", "assignee", "due_on", "done"], records=records
    )
