import httpx
import pytest

from mina_api.cache.testing import FakeClock
from mina_api.transcripts import uploads
from tests import ami
from tests.api import SignUp, a_meeting, today
from tests.transcripts.formats.test_dialects import utterances_with

VTT = b"WEBVTT\n\n00:01.000 --> 00:02.500\n<v Ada>Shall we begin?\n\n00:02.000 --> 00:04.000\n<v Bob>Yes.\n"


async def put(client: httpx.AsyncClient, meeting: int, body: bytes, media_type: str = "text/vtt") -> httpx.Response:
    return await client.put(f"/api/meetings/{meeting}/transcript", content=body, headers={"Content-Type": media_type})


class TestReplaceTranscript:
    async def test_answers_what_it_came_to_and_shows_at_once_everywhere(
        self, ada: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        meeting = await a_meeting(ada, scheduled_at=today(clock))
        paths = [
            f"/api/meetings/{meeting}",
            f"/api/meetings/{meeting}/transcript",
            f"/api/analytics/meetings/{meeting}",
            "/api/meetings/",
            "/api/analytics/dashboard",
        ]
        before = [(await ada.get(path)).content for path in paths]

        answer = await put(ada, meeting, VTT, "text/vtt; charset=utf-8")

        after = [await ada.get(path) for path in paths]
        assert answer.json() == {"segments": 2, "speakers": 2, "duration_seconds": 4.0}
        assert all(new.content != old for new, old in zip(after, before, strict=True))
        assert all(new.headers["cache-status"].startswith("mina; fwd=uri-miss; stored") for new in after)
        assert after[0].json()["segment_count"] == 2
        assert after[0].headers["etag"] == answer.headers["etag"]
        assert after[2].json()["speech_time"] == 3.0

    async def test_replaces_the_whole_of_the_one_before(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        await put(ada, meeting, VTT)

        await put(
            ada,
            meeting,
            b'{"segments": [{"speaker": "Eve", "start": 0, "end": 1.5, "text": "Hi"}]}',
            "application/json",
        )

        transcript = (await ada.get(f"/api/meetings/{meeting}/transcript")).json()
        assert transcript["speakers"] == ["Eve"]
        assert transcript["segments"] == [{"speaker": "Eve", "start": 0.0, "end": 1.5, "text": "Hi"}]

    @pytest.mark.parametrize(
        ("body", "media_type", "status"),
        [
            (b"WEBVTT\n\n00:01.000 -> 00:02.000\nHi", "text/vtt", 422),
            (b"{", "application/json", 422),
            (b"hello", "text/plain", 415),
            (b"hello", "", 415),
        ],
    )
    async def test_of_a_malformed_file_changes_nothing(
        self, ada: httpx.AsyncClient, body: bytes, media_type: str, status: int
    ) -> None:
        meeting = await a_meeting(ada)
        await put(ada, meeting, VTT)
        before = (await ada.get(f"/api/meetings/{meeting}/transcript")).json()

        answer = await put(ada, meeting, body, media_type)

        assert answer.status_code == status
        assert (await ada.get(f"/api/meetings/{meeting}/transcript")).json() == before
        if status == 422:
            assert answer.json()["errors"][0]["line"] in (1, 3)

    async def test_of_a_file_too_large_stops_reading_and_changes_nothing(
        self, ada: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(uploads, "MAX_BYTES", 100)
        meeting = await a_meeting(ada)

        answer = await put(ada, meeting, VTT * 2)

        assert answer.status_code == 413
        assert (await ada.get(f"/api/meetings/{meeting}")).json()["segment_count"] == 0

    async def test_of_another_workspaces_meeting_is_not_found(self, sign_up: SignUp) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        meeting = await a_meeting(ada)

        assert (await put(bob, meeting, VTT)).status_code == 404
        assert (await bob.get(f"/api/meetings/{meeting}/transcript")).status_code == 404


class TestSearch:
    async def test_finds_a_meeting_by_what_was_said_in_it_at_once_and_in_ones_own_workspace(
        self, sign_up: SignUp
    ) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        meeting = await a_meeting(ada)
        await a_meeting(ada, title="Another", tags=["begin"])
        before = (await ada.get("/api/meetings/?q=begin")).json()["total"]

        await put(ada, meeting, VTT)

        found = (await ada.get("/api/meetings/?q=begin&sort=created_at")).json()
        exact = (await ada.get("/api/meetings/", params={"q": '"shall we" -another'})).json()
        assert (before, found["total"], exact["total"]) == (1, 2, 1)
        assert found["items"][0]["id"] == meeting
        assert (await bob.get("/api/meetings/?q=begin")).json()["total"] == 0


class TestGetTranscript:
    async def test_comes_back_equal_in_every_format(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        utterances = utterances_with(("Hi & <i>ho</i>", "a --> b", "Name: said", "two\nlines"))
        await put(ada, meeting, ami.as_json(utterances), "application/json")
        first = (await ada.get(f"/api/meetings/{meeting}/transcript")).json()

        for name, media_type in (("vtt", "text/vtt"), ("srt", "application/x-subrip")):
            file = await ada.get(f"/api/meetings/{meeting}/transcript?format={name}")
            other = await a_meeting(ada)
            await put(ada, other, file.content, media_type)
            second = (await ada.get(f"/api/meetings/{other}/transcript")).json()
            assert second["segments"] == first["segments"]
            assert file.headers["content-type"] == f"{media_type}; charset=utf-8"
            assert file.headers["content-disposition"] == f'attachment; filename="meeting-{meeting}.{name}"'

    async def test_is_cached_by_format(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        await put(ada, meeting, VTT)
        path = f"/api/meetings/{meeting}/transcript"

        first = await ada.get(path, params={"format": "txt"})
        second = await ada.get(path, params={"format": "txt"})
        other = await ada.get(path, params={"format": "vtt"})

        assert first.headers["cache-status"] == "mina; fwd=uri-miss; stored; ttl=7200"
        assert second.headers["cache-status"].startswith("mina; hit")
        assert second.text == first.text == "[00:00:01] Ada: Shall we begin?\n[00:00:02] Bob: Yes.\n"
        assert other.headers["cache-status"].startswith("mina; fwd=uri-miss")


class TestRenameSpeaker:
    async def test_renames_everywhere_and_merges_into_a_name_that_is_there(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        await put(ada, meeting, VTT)

        renamed = await ada.put(f"/api/meetings/{meeting}/speakers/Bob", json={"name": "Grace"})
        speakers = (await ada.get(f"/api/analytics/meetings/{meeting}")).json()["speakers"]
        merged = await ada.put(f"/api/meetings/{meeting}/speakers/Grace", json={"name": "Ada"})

        assert renamed.json()["speakers"] == 2
        assert [each["speaker"] for each in speakers] == ["Grace", "Ada"]
        assert merged.json()["speakers"] == 1
        assert (await ada.get(f"/api/analytics/meetings/{meeting}")).json()["speakers"][0]["talk_time"] == 3.0

    async def test_of_nobody_is_not_found(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)

        answer = await ada.put(f"/api/meetings/{meeting}/speakers/Eve", json={"name": "Grace"})

        assert answer.status_code == 404
