"""The rows that meetings of the demo come to, table by table, as COPY takes them."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from mina_api.analytics.measures import measure
from mina_api.analytics.rollups import meeting_row, speaker_rows
from mina_api.dev.demo.calendar import Occasion
from mina_api.dev.demo.cast import TASKS
from mina_api.dev.demo.talk import conversation
from mina_api.transcripts.queries import searched_text
from mina_api.transcripts.segments import Utterance

Row = tuple[Any, ...]

COLUMNS = {
    "meetings": (
        "id", "workspace_id", "title", "description", "status", "scheduled_at", "started_at", "ended_at", "tags",
        "participants", "segment_count", "last_end_ms", "created_by", "created_at",
    ),
    "speakers": ("meeting_id", "position", "label"),
    "segments": ("meeting_id", "position", "speaker", "start_ms", "end_ms", "text"),
    "meeting_rollups": (
        "meeting_id", "speech_ms", "overlap_ms", "talk_ms", "top_talk_ms", "words", "turns", "questions", "patience_ms",
        "participation_equity",
    ),
    "speaker_rollups": (
        "meeting_id", "position", "workspace_id", "speaker", "talk_ms", "longest_monologue_ms", "turns", "words",
        "fillers", "questions", "interruptions",
    ),
    "tasks": ("workspace_id", "meeting_id", "title", "assignee", "due_on", "done"),
}  # fmt: skip


@dataclass(slots=True)
class Rows:
    """Rows of some meetings by table, in the order in which tables need each other; and what their search holds."""

    tables: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    searched: list[tuple[int, str]] = field(default_factory=list)

    def add(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        """Put `rows`, which name their columns, to those of `table`."""
        self.tables[table] += [tuple(row[name] for name in COLUMNS[table]) for row in rows]


def rows_of(seed: int, user_id: int, workspace_id: int, numbered: Sequence[tuple[int, Occasion]]) -> Rows:
    """The rows of occasions, each with the id of its meeting and its number, which makes it what it is."""
    rows = Rows()
    for meeting_id, occasion in numbered:
        chance = random.Random(f"{seed}:{occasion.people[0].email}:{occasion.scheduled_at}")  # noqa: S311
        _add_meeting(rows, chance, user_id, workspace_id, meeting_id, occasion)
    return rows


def _add_meeting(
    rows: Rows, chance: random.Random, user_id: int, workspace_id: int, meeting_id: int, occasion: Occasion
) -> None:
    utterances: list[Utterance] = []
    ended_at = None
    if occasion.started_at is not None:
        utterances = conversation(chance, occasion.people, occasion.minutes, occasion.series.subject)
        last = max(each.end_ms for each in utterances)
        ended_at = occasion.started_at + timedelta(milliseconds=last + chance.randint(2_000, 20_000))
    rows.tables["meetings"].append(
        (
            meeting_id,
            workspace_id,
            occasion.series.title,
            f"About {occasion.series.subject}.",
            occasion.status,
            occasion.scheduled_at,
            occasion.started_at,
            ended_at,
            occasion.series.tags,
            json.dumps([{"name": each.name, "email": each.email} for each in occasion.people]),
            len(utterances),
            max((each.end_ms for each in utterances), default=None),
            user_id,
            min(occasion.scheduled_at, datetime.now(UTC)) - timedelta(days=6),
        )
    )
    if utterances:
        _add_transcript(rows, meeting_id, workspace_id, utterances)
        _add_tasks(rows, chance, meeting_id, workspace_id, occasion)


def _add_transcript(rows: Rows, meeting_id: int, workspace_id: int, utterances: Sequence[Utterance]) -> None:
    positions = {label: number for number, label in enumerate(dict.fromkeys(each.speaker for each in utterances))}
    rows.tables["speakers"] += [(meeting_id, position, label) for label, position in positions.items()]
    rows.tables["segments"] += [
        (meeting_id, number, positions[each.speaker], each.start_ms, each.end_ms, each.text)
        for number, each in enumerate(utterances)
    ]
    rows.searched.append((meeting_id, searched_text(utterances)))
    measures = measure(utterances)
    rows.add("meeting_rollups", [meeting_row(meeting_id, measures)])
    rows.add("speaker_rollups", speaker_rows(meeting_id, workspace_id, measures))


def _add_tasks(rows: Rows, chance: random.Random, meeting_id: int, workspace_id: int, occasion: Occasion) -> None:
    day = occasion.scheduled_at.date()
    rows.tables["tasks"] += [
        (
            workspace_id,
            meeting_id,
            title,
            chance.choice(occasion.people).name,
            day + timedelta(days=chance.randint(2, 21)),
            chance.random() < 0.85,
        )
        for title in chance.sample(TASKS, chance.choice((0, 0, 1, 1, 2)))
    ]
