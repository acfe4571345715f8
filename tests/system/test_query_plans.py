"""Every query that an endpoint runs, explained over many workspaces: none of them reads a large table whole."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event

LARGE = {"meetings", "segments", "meeting_rollups", "speaker_rollups", "speakers", "transcript_search", "tasks"}

PATHS = [
    "/api/analytics/meetings/{id}",
    "/api/analytics/dashboard?days=7",
    "/api/analytics/dashboard?days=365&tz=Asia/Kolkata",
    "/api/analytics/overview?days=30",
    "/api/analytics/overview?days=365",
    "/api/analytics/engagement?days=30",
    "/api/analytics/engagement?days=365&tz=Europe/Berlin",
    "/api/meetings/",
    "/api/meetings/?page=3&per_page=20",
    "/api/meetings/?status=completed&sort=occurs_at",
    "/api/meetings/?sort=title",
    "/api/meetings/?sort=-created_at",
    "/api/meetings/?sort=updated_at",
    "/api/meetings/?from=2026-11-01T00:00:00Z&to=2026-11-20T00:00:00Z",
    "/api/meetings/?q=particular",
    "/api/meetings/{id}",
    "/api/meetings/{id}/transcript",
    "/api/meetings/{id}/tasks/",
]

FILLING = """
SET session_replication_role = replica;
INSERT INTO workspaces (name) SELECT 'w' FROM generate_series(1, 500);
INSERT INTO meetings (workspace_id, title, status, scheduled_at, last_end_ms, participants)
  SELECT w.id, 'Meeting ' || n, 'completed', '2026-11-24'::timestamptz - n * interval '6 days', 60000,
         '[{"name": "Ada"}]'
  FROM workspaces w, generate_series(1, 50) n;
UPDATE meetings SET title = 'A particular one' WHERE id % 500 = 0;
INSERT INTO meeting_rollups (meeting_id, speech_ms, overlap_ms, talk_ms, top_talk_ms, words, turns, questions)
  SELECT id, 50000, 0, 50000, 30000, 100, 10, 1 FROM meetings;
INSERT INTO speaker_rollups (meeting_id, position, workspace_id, speaker, talk_ms, longest_monologue_ms, turns, words,
                             fillers, questions, interruptions)
  SELECT id, p, workspace_id, 'Speaker ' || p, 20000, 5000, 5, 50, 1, 1, 0 FROM meetings, generate_series(0, 2) p;
INSERT INTO speakers (meeting_id, position, label) SELECT id, p, 'Speaker ' || p FROM meetings, generate_series(0, 2) p;
INSERT INTO segments (meeting_id, position, speaker, start_ms, end_ms, text)
  SELECT id, p, p % 3, p * 1000, p * 1000 + 900, 'words' FROM meetings, generate_series(0, 4) p;
INSERT INTO transcript_search (meeting_id, search)
  SELECT id, to_tsvector('english', 'words of meeting ' || id) FROM meetings;
INSERT INTO tasks (workspace_id, meeting_id, title, due_on, done)
  SELECT workspace_id, id, 'Do it', '2026-11-20', id % 5 > 0 FROM meetings;
"""


@contextmanager
def recorded_queries(app: FastAPI) -> Iterator[list[tuple[str, tuple[Any, ...]]]]:
    """The SELECTs that run in the block, with their parameters."""
    seen: list[tuple[str, tuple[Any, ...]]] = []

    def note(_: object, __: object, statement: str, parameters: tuple[Any, ...], *___: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append((statement, parameters))

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()


def read_whole(plan: dict[str, Any]) -> set[str]:
    """The tables that a plan reads from end to end."""
    found = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return found.union(*(read_whole(each) for each in plan.get("Plans", [])))


class TestQueryPlans:
    async def test_read_no_large_table_whole(
        self, app: FastAPI, ada: httpx.AsyncClient, connection: asyncpg.Connection
    ) -> None:
        await connection.execute(FILLING)
        mine = "UPDATE users SET current_workspace_id = 100 RETURNING id"
        await connection.execute(
            "INSERT INTO memberships (workspace_id, user_id, role) VALUES (100, $1, 'owner')",
            await connection.fetchval(mine),
        )
        await connection.execute("VACUUM (ANALYZE)")
        await app.state.cache.clear_prefix("session")
        some_id = await connection.fetchval("SELECT min(id) FROM meetings WHERE workspace_id = 100")

        scanned: dict[str, set[str]] = {}
        explained = 0
        for path in PATHS:
            with recorded_queries(app) as queries:
                answer = await ada.get(path.format(id=some_id))
            assert answer.status_code == 200, answer.text
            for statement, parameters in queries:
                plan = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters))
                explained += 1
                if found := read_whole(plan[0]["Plan"]) & LARGE:
                    scanned.setdefault(path, set()).update(found)

        assert explained >= 2 * len(PATHS) - 4
        assert scanned == {}

    async def test_are_seen_where_they_do(self, connection: asyncpg.Connection) -> None:
        plan = json.loads(await connection.fetchval("EXPLAIN (FORMAT JSON) SELECT count(*) FROM tasks WHERE done"))

        assert read_whole(plan[0]["Plan"]) == {"tasks"}
