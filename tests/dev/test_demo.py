from datetime import date

import asyncpg
import pytest

from mina_api.dev.demo import fill
from mina_api.dev.demo.calendar import calendar

TODAY = date(2026, 11, 24)


async def fetch(url: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


class TestCalendar:
    def test_is_of_one_team_unless_more_meetings_are_asked_for(self) -> None:
        one, many = calendar(1, TODAY), calendar(1, TODAY, 1000)

        assert len(many) == 1000
        assert {each.people[0] for each in one} < {each.people[0] for each in many}
        assert [each.scheduled_at for each in many] == sorted(each.scheduled_at for each in many)

    def test_of_fewer_meetings_is_of_the_latest(self) -> None:
        assert calendar(1, TODAY, 10) == sorted(calendar(1, TODAY), key=lambda each: each.scheduled_at)[-10:]


class TestFill:
    async def test_writes_as_many_meetings_as_asked_for_the_same_for_the_same_seed(self, database_url: str) -> None:
        reports: list[tuple[int, int]] = []
        texts = "SELECT text FROM segments JOIN meetings ON meetings.id = meeting_id WHERE workspace_id = {} ORDER BY 1"

        for email in ("one@example.com", "two@example.com"):
            await fill(
                database_url,
                meetings=130,
                today=TODAY,
                email=email,
                report=lambda done, total: reports.append((done, total)),
            )
        counts = await fetch(database_url, "SELECT count(*) FROM meetings GROUP BY workspace_id")
        first, second = [await fetch(database_url, texts.format(workspace)) for workspace in (1, 2)]

        assert [row["count"] for row in counts] == [130, 130]
        assert reports[:2] == [(100, 130), (130, 130)]
        assert len(first) > 1000
        assert first == second

    async def test_that_fails_in_the_middle_leaves_nothing(self, database_url: str) -> None:
        def fail(done: int, total: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await fill(database_url, meetings=130, today=TODAY, report=fail)

        assert await fetch(database_url, "SELECT id FROM users UNION ALL SELECT id FROM meetings") == []

    async def test_counts_what_it_writes(self, database_url: str) -> None:
        await fill(database_url, meetings=60, today=TODAY)

        wrong = await fetch(
            database_url,
            "SELECT id FROM meetings LEFT JOIN (SELECT meeting_id, count(*) AS n, max(end_ms) AS latest FROM segments"
            " GROUP BY meeting_id) AS found ON found.meeting_id = id"
            " WHERE segment_count <> coalesce(n, 0) OR last_end_ms IS DISTINCT FROM latest"
            " OR (status = 'completed') <> (n IS NOT NULL)",
        )
        unmeasured = await fetch(
            database_url,
            "SELECT id FROM meetings WHERE (segment_count > 0) <>"
            " (EXISTS (SELECT FROM meeting_rollups WHERE meeting_id = id)"
            " AND EXISTS (SELECT FROM transcript_search WHERE meeting_id = id))",
        )

        assert (wrong, unmeasured) == ([], [])
