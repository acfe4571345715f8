import httpx
import pytest
from fastapi import FastAPI

from mina_api.cache.testing import FakeClock
from tests import ami
from tests.ami import AmiMeeting, meetings
from tests.analytics import oracle
from tests.api import SignUp, a_meeting, counted_queries
from tests.transcripts.test_routes import VTT, put


class TestMeetingAnalytics:
    @pytest.mark.parametrize("meeting", meetings()[::24], ids=lambda meeting: meeting.id)
    @pytest.mark.parametrize("dialect", ["vtt", "json"])
    async def test_of_an_imported_real_meeting_agree_with_the_oracle(
        self, ada: httpx.AsyncClient, meeting: AmiMeeting, dialect: str
    ) -> None:
        number = await a_meeting(ada, title=meeting.id)
        if dialect == "vtt":
            await put(ada, number, ami.as_vtt(meeting.utterances))
        else:
            await put(ada, number, ami.as_json(meeting.utterances), "application/json")

        found = (await ada.get(f"/api/analytics/meetings/{number}")).json()

        expected = oracle.measure(meeting.utterances)
        talk = sum(each["talk_ms"] for each in expected["speakers"].values())
        assert found["speech_time"] == expected["speech_ms"] / 1000
        assert found["silence_time"] == pytest.approx(found["duration_seconds"] - found["speech_time"])
        assert (found["words"], found["turns"]) == (expected["words"], expected["turns"])
        for each in found["speakers"]:
            other = expected["speakers"][each["speaker"]]
            assert each["talk_time"] == other["talk_ms"] / 1000
            assert each["talk_share"] == pytest.approx(other["talk_ms"] / talk)
            assert each["words_per_minute"] == pytest.approx(other["words"] / (other["talk_ms"] / 60_000))
            assert each["fillers_per_100_words"] == pytest.approx(100 * other["fillers"] / other["words"])
            assert each["interruptions"] == other["interruptions"]
        assert [each["talk_time"] for each in found["speakers"]] == sorted(
            (each["talk_time"] for each in found["speakers"]), reverse=True
        )

    async def test_of_a_meeting_without_transcript_are_what_the_formulas_give(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada, started_at="2026-11-24T09:00:00Z", ended_at="2026-11-24T09:30:00.500Z")

        found = (await ada.get(f"/api/analytics/meetings/{meeting}")).json()

        assert found == {
            "meeting_id": meeting,
            "duration_seconds": 1800.5,
            "speech_time": 0.0,
            "silence_time": 1800.5,
            "overlap_time": 0.0,
            "words": 0,
            "turns": 0,
            "questions": 0,
            "patience": None,
            "participation_equity": None,
            "speakers": [],
        }

    async def test_are_made_anew_on_demand(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        await put(ada, meeting, VTT)
        before = await ada.get(f"/api/analytics/meetings/{meeting}")

        processed = await ada.post(f"/api/analytics/meetings/{meeting}/process")
        after = await ada.get(f"/api/analytics/meetings/{meeting}")

        assert processed.status_code == 200
        assert before.json() == processed.json() == after.json()
        assert after.headers["cache-status"].startswith("mina; fwd=uri-miss")


class TestDashboard:
    async def test_counts_days_hours_and_speakers_of_the_period(self, ada: httpx.AsyncClient) -> None:
        for started in ("2026-11-23T09:00:00Z", "2026-11-23T23:30:00Z", "2026-11-17T23:59:59Z", "2026-11-18T00:00:00Z"):
            meeting = await a_meeting(ada, title=started, started_at=started)
            await put(ada, meeting, VTT)

        found = (await ada.get("/api/analytics/dashboard?days=7")).json()

        assert [(each["date"], each["meetings"]) for each in found["per_day"]] == [
            ("2026-11-18", 1), ("2026-11-19", 0), ("2026-11-20", 0), ("2026-11-21", 0),
            ("2026-11-22", 0), ("2026-11-23", 2), ("2026-11-24", 0),
        ]  # fmt: skip
        assert found["per_day"][5]["hours"] == pytest.approx(8 / 3600)
        assert [(hour, count) for hour, count in enumerate(found["busiest_hours"]) if count] == [
            (0, 1),
            (9, 1),
            (23, 1),
        ]
        assert found["top_speakers"] == [
            {"speaker": "Bob", "talk_time": 6.0, "meetings": 3},
            {"speaker": "Ada", "talk_time": 4.5, "meetings": 3},
        ]
        assert found["recent"][0]["title"] == "2026-11-23T23:30:00Z"
        assert found["tasks_due"] == []

    async def test_takes_days_and_hours_of_the_time_zone(self, ada: httpx.AsyncClient) -> None:
        await a_meeting(ada, started_at="2026-11-23T23:30:00Z")

        found = (await ada.get("/api/analytics/dashboard?days=1&tz=Europe/Berlin")).json()

        assert found["per_day"] == [{"date": "2026-11-24", "meetings": 1, "hours": 0.0}]
        assert found["busiest_hours"][0] == 1

    async def test_of_a_day_does_not_outlive_it(self, ada: httpx.AsyncClient, clock: FakeClock) -> None:
        clock.advance(18 * 3600 - 30 - clock.now() % 60)
        token = await ada.post(
            "/api/auth/token", data={"username": "ada@example.com", "password": "correct horse battery"}
        )
        ada.headers["authorization"] = f"Bearer {token.json()['access_token']}"
        before = await ada.get("/api/analytics/dashboard")
        clock.advance(60)

        after = await ada.get("/api/analytics/dashboard")

        assert before.json()["per_day"][-1]["date"] == "2026-11-24"
        assert after.json()["per_day"][-1]["date"] == "2026-11-25"

    async def test_shows_nothing_of_another_workspace(self, sign_up: SignUp) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        meeting = await a_meeting(ada, started_at="2026-11-23T09:00:00Z")
        await put(ada, meeting, VTT)

        found = (await bob.get("/api/analytics/dashboard")).json()

        assert sum(each["meetings"] for each in found["per_day"]) == 0
        assert (found["recent"], found["top_speakers"]) == ([], [])

    async def test_asks_a_fixed_number_of_queries_and_none_on_a_hit(self, ada: httpx.AsyncClient, app: FastAPI) -> None:
        for _ in range(3):
            await put(ada, await a_meeting(ada), VTT)
        await ada.get("/api/auth/me")

        with counted_queries(app) as cold:
            await ada.get("/api/analytics/dashboard")
        with counted_queries(app) as warm:
            await ada.get("/api/analytics/dashboard")

        assert (len(cold), warm) == (4, [])

    @pytest.mark.parametrize("query", ["days=0", "days=366", "days=x", "tz=Mars/Olympus", "tz=../etc/passwd", "tz="])
    async def test_refuses_periods_and_zones_that_are_none(self, ada: httpx.AsyncClient, query: str) -> None:
        answer = await ada.get(f"/api/analytics/dashboard?{query}")

        assert answer.status_code == 422
