from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests import ami
from tests.analytics import oracle
from tests.api import SignUp, a_meeting, counted_queries
from tests.transcripts.test_routes import VTT, put

PEOPLE = [{"name": "Ada", "email": "ADA@example.com"}, {"name": "Grace"}]


class TestOverview:
    async def test_sums_a_period_and_sets_it_beside_the_one_before(self, ada: httpx.AsyncClient) -> None:
        for started, status in (
            ("2026-11-24T09:00:00Z", "completed"),
            ("2026-11-20T09:00:00Z", "completed"),
            ("2026-11-19T09:00:00Z", "cancelled"),
            ("2026-11-12T09:00:00Z", "completed"),
            ("2026-11-01T09:00:00Z", "completed"),
        ):
            meeting = await a_meeting(ada, started_at=started, status=status, participants=PEOPLE)
            if status == "completed":
                await put(ada, meeting, VTT)

        found = (await ada.get("/api/analytics/overview?days=7")).json()

        assert (found["days"], found["from"], found["to"]) == (7, "2026-11-18", "2026-11-24")
        assert (found["meetings"], found["completed"], found["words"]) == (3, 2, 8)
        assert (found["participants"], found["speakers"]) == (2, 2)
        assert found["hours"] == pytest.approx(8 / 3600)
        assert (found["average_duration_seconds"], found["average_duration_n"]) == (4.0, 2)
        assert found["by_status"] == {"scheduled": 0, "live": 0, "completed": 2, "cancelled": 1}
        assert (found["previous"]["meetings"], found["previous"]["words"]) == (1, 4)
        assert found["change"] == {"meetings": 2.0, "hours": pytest.approx(1.0)}

    async def test_counts_tasks_and_calls_no_change_what_had_nothing_before(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        for due_on, done in (("2026-11-23", False), ("2026-11-24", False), ("2026-11-01", True), (None, False)):
            task = {"title": "x", "due_on": due_on, "done": done}
            await ada.post(f"/api/meetings/{meeting}/tasks/", json=task)

        found = (await ada.get("/api/analytics/overview")).json()

        assert found["tasks"] == {"open": 3, "done": 1, "overdue": 1}
        assert found["change"] == {"meetings": None, "hours": None}
        assert (found["average_participation_equity"], found["average_participation_equity_n"]) == (None, 0)


class TestEngagement:
    async def test_averages_the_meetings_own_ratios(self, ada: httpx.AsyncClient) -> None:
        meetings = ami.meetings()[:1] * 2
        expected: list[dict[str, Any]] = []
        for number, each in enumerate(meetings):
            utterances = each.utterances[: 60 * (number + 1)]
            meeting = await a_meeting(ada, started_at=f"2026-11-{10 + 7 * number}T09:00:00Z")
            await put(ada, meeting, ami.as_json(utterances), "application/json")
            expected.append({**oracle.measure(utterances), "duration_ms": max(one.end_ms for one in utterances)})

        found = (await ada.get("/api/analytics/engagement?days=30")).json()

        def average(ratio: Any) -> Any:
            return pytest.approx(sum(ratio(each) for each in expected) / len(expected))

        def talk(each: dict[str, Any]) -> list[int]:
            return [speaker["talk_ms"] for speaker in each["speakers"].values()]

        assert found["average_talk_share_of_top_speaker"] == average(lambda each: max(talk(each)) / sum(talk(each)))
        assert found["average_participation_equity"] == average(lambda each: each["participation_equity"])
        assert found["average_overlap_share"] == average(lambda each: each["overlap_ms"] / each["speech_ms"])
        assert found["questions_per_hour"] == average(lambda each: each["questions"] / each["duration_ms"] * 3_600_000)
        assert found["words_per_minute"] == average(lambda each: each["words"] / sum(talk(each)) * 60_000)
        assert set(found["n"].values()) == {2}
        assert [(each["week"], each["meetings"]) for each in found["per_week"]] == [
            ("2026-10-26", 0), ("2026-11-02", 0), ("2026-11-09", 1), ("2026-11-16", 1), ("2026-11-23", 0)
        ]  # fmt: skip
        first = found["speakers"][0]
        assert first["talk_time"] == max(each["talk_time"] for each in found["speakers"])
        assert first["talk_time"] * 1000 == pytest.approx(
            sum(each["speakers"][first["speaker"]]["talk_ms"] for each in expected)
        )

    async def test_of_nothing_is_null_and_zero(self, ada: httpx.AsyncClient) -> None:
        found = (await ada.get("/api/analytics/engagement?days=1&tz=Asia/Tokyo")).json()

        assert (found["average_overlap_share"], found["words_per_minute"], found["speakers"]) == (None, None, [])
        assert found["per_week"] == [{"week": "2026-11-23", "meetings": 0, "participation_equity": None}]


class TestBoth:
    @pytest.mark.parametrize(("name", "queries"), [("overview", 4), ("engagement", 3)])
    async def test_are_cached_ask_a_fixed_number_of_queries_and_follow_every_write(
        self, ada: httpx.AsyncClient, app: FastAPI, name: str, queries: int
    ) -> None:
        meeting = await a_meeting(ada, started_at="2026-11-24T01:00:00Z")
        await put(ada, meeting, VTT)
        path = f"/api/analytics/{name}"

        with counted_queries(app) as cold:
            first = await ada.get(path)
        with counted_queries(app) as warm:
            second = await ada.get(path)
        await ada.delete(f"/api/meetings/{meeting}")
        third = await ada.get(path)

        assert first.headers["cache-status"] == "mina; fwd=uri-miss; stored; ttl=1800"
        assert second.headers["cache-status"].startswith("mina; hit")
        assert (len(cold), warm) == (queries, [])
        assert third.json() != first.json()

    @pytest.mark.parametrize("name", ["overview", "engagement"])
    async def test_show_nothing_of_another_workspace(self, sign_up: SignUp, name: str) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        empty = (await bob.get(f"/api/analytics/{name}")).json()
        await put(ada, await a_meeting(ada, started_at="2026-11-24T01:00:00Z", participants=PEOPLE), VTT)
        await bob.post("/api/auth/token")

        found = await bob.get(f"/api/analytics/{name}", headers={"Cache-Control": "no-cache"})

        assert found.json() == empty
