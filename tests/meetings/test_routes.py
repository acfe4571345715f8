import httpx

from mina_api.cache.testing import FakeClock
from tests.api import SignUp, a_meeting, today


class TestCreateMeeting:
    async def test_answers_the_meeting_with_its_address_and_its_version(self, ada: httpx.AsyncClient) -> None:
        fields = {"title": "  Retro ", "tags": ["a", "b", "a"], "participants": [{"name": "Grace"}]}

        answer = await ada.post("/api/meetings/", json=fields)

        meeting = answer.json()
        assert answer.status_code == 201
        assert answer.headers["location"] == f"/api/meetings/{meeting['id']}"
        assert answer.headers["etag"] == f'"m{meeting["id"]}.1"'
        assert meeting["title"] == "Retro"
        assert meeting["tags"] == ["a", "b"]
        assert meeting["participants"] == [{"name": "Grace", "email": None}]
        assert meeting["participant_count"] == 1
        assert meeting["status"] == "scheduled"
        assert meeting["duration_seconds"] is None
        assert meeting["created_at"].endswith("Z")

    async def test_refuses_what_makes_no_sense_and_says_where(self, ada: httpx.AsyncClient) -> None:
        wrong = [
            {"title": " "},
            {"title": "x", "scheduled_at": "2026-11-24T10:00:00"},
            {"title": "x", "status": "done"},
            {"title": "x", "started_at": "2026-11-24T10:00:00Z", "ended_at": "2026-11-24T09:00:00Z"},
            {"title": "nul \x00"},
            {"title": "x", "participants": [{"name": "Grace", "email": "nobody"}]},
        ]

        answers = [await ada.post("/api/meetings/", json=fields) for fields in wrong]

        assert [answer.status_code for answer in answers] == [422] * len(wrong)
        assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)
        assert all(answer.json()["errors"][0]["loc"][0] == "body" for answer in answers)
        assert (await ada.get("/api/meetings/")).json()["total"] == 0

    async def test_clears_the_lists_of_its_workspace_and_nobody_elses(self, sign_up: SignUp) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        for client in (ada, bob):
            await client.get("/api/meetings/")

        await a_meeting(ada)

        after = await ada.get("/api/meetings/")
        assert after.json()["total"] == 1
        assert after.headers["cache-status"].startswith("mina; fwd=uri-miss; stored")
        assert (await bob.get("/api/meetings/")).headers["cache-status"].startswith("mina; hit")


class TestGetMeeting:
    async def test_is_a_miss_then_a_hit_then_not_modified(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)

        first = await ada.get(f"/api/meetings/{meeting}")
        second = await ada.get(f"/api/meetings/{meeting}")
        third = await ada.get(f"/api/meetings/{meeting}", headers={"If-None-Match": second.headers["etag"]})

        assert first.headers["cache-status"] == "mina; fwd=uri-miss; stored; ttl=600"
        assert second.headers["cache-status"] == "mina; hit; ttl=600; detail=l1"
        assert second.content == first.content
        assert second.headers["cache-control"] == "private, no-cache"
        assert second.headers["vary"] == "Authorization"
        assert second.headers["age"] == "0"
        assert (third.status_code, third.content) == (304, b"")
        assert third.headers["etag"] == first.headers["etag"]

    async def test_of_another_workspace_is_not_found(self, sign_up: SignUp) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        meeting = await a_meeting(ada)
        etag = (await ada.get(f"/api/meetings/{meeting}")).headers["etag"]

        answers = [
            await bob.get(f"/api/meetings/{meeting}"),
            await bob.get(f"/api/meetings/{meeting}", headers={"If-None-Match": etag}),
            await bob.patch(f"/api/meetings/{meeting}", json={"title": "mine"}),
            await bob.put(f"/api/meetings/{meeting}", json={"title": "mine"}),
            await bob.delete(f"/api/meetings/{meeting}"),
        ]

        assert [answer.status_code for answer in answers] == [404] * 5
        assert (await ada.get(f"/api/meetings/{meeting}")).json()["title"] == "Retro"

    async def test_head_is_answered_from_gets_entry(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        get = await ada.get(f"/api/meetings/{meeting}")

        head = await ada.head(f"/api/meetings/{meeting}")

        assert head.content == b""
        assert head.headers["content-length"] == str(len(get.content))
        assert head.headers["cache-status"].startswith("mina; hit")


class TestChangeMeeting:
    async def test_shows_at_once_in_the_meeting_and_in_the_list(self, ada: httpx.AsyncClient, clock: FakeClock) -> None:
        meeting = await a_meeting(ada, scheduled_at=today(clock))
        for path in (f"/api/meetings/{meeting}", "/api/meetings/", "/api/analytics/dashboard"):
            await ada.get(path)

        changed = await ada.patch(f"/api/meetings/{meeting}", json={"title": "Review"})

        assert changed.headers["etag"] == f'"m{meeting}.2"'
        assert (await ada.get(f"/api/meetings/{meeting}")).json()["title"] == "Review"
        assert (await ada.get("/api/meetings/")).json()["items"][0]["title"] == "Review"
        assert (await ada.get("/api/analytics/dashboard")).json()["recent"][0]["title"] == "Review"

    async def test_keeps_what_a_patch_leaves_out_and_resets_what_a_put_leaves_out(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada, description="Long.", tags=["q4"])

        patched = (await ada.patch(f"/api/meetings/{meeting}", json={"tags": ["q1"]})).json()
        put = (await ada.put(f"/api/meetings/{meeting}", json={"title": "Short"})).json()

        assert (patched["title"], patched["description"], patched["tags"]) == ("Retro", "Long.", ["q1"])
        assert (put["title"], put["description"], put["tags"]) == ("Short", "", [])

    async def test_of_another_version_than_the_stored_one_fails(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        etag = (await ada.get(f"/api/meetings/{meeting}")).headers["etag"]
        first = await ada.patch(f"/api/meetings/{meeting}", json={"title": "One"}, headers={"If-Match": etag})

        second = await ada.patch(f"/api/meetings/{meeting}", json={"title": "Two"}, headers={"If-Match": etag})

        assert (first.status_code, second.status_code) == (200, 412)
        assert (await ada.get(f"/api/meetings/{meeting}")).json()["title"] == "One"

    async def test_refuses_an_end_before_the_start_that_is_stored(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada, started_at="2026-11-24T10:00:00Z")

        answer = await ada.patch(f"/api/meetings/{meeting}", json={"ended_at": "2026-11-24T09:00:00Z"})

        assert answer.status_code == 422
        assert (await ada.get(f"/api/meetings/{meeting}")).json()["ended_at"] is None


class TestDeleteMeeting:
    async def test_is_gone_at_once_everywhere(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        for path in (f"/api/meetings/{meeting}", "/api/meetings/", f"/api/analytics/meetings/{meeting}"):
            assert (await ada.get(path)).status_code == 200

        deleted = await ada.delete(f"/api/meetings/{meeting}")

        assert deleted.status_code == 204
        assert (await ada.get(f"/api/meetings/{meeting}")).status_code == 404
        assert (await ada.get(f"/api/analytics/meetings/{meeting}")).status_code == 404
        assert (await ada.get("/api/meetings/")).json()["total"] == 0


class TestListMeetings:
    async def test_pages_filters_and_sorts(self, ada: httpx.AsyncClient) -> None:
        for number in range(5):
            await a_meeting(
                ada,
                title=f"Sync {number}",
                scheduled_at=f"2026-11-2{number}T09:00:00Z",
                status="completed" if number % 2 else "scheduled",
            )

        page = (await ada.get("/api/meetings/?page=2&per_page=2")).json()
        completed = (await ada.get("/api/meetings/?status=completed&sort=title")).json()
        between = (await ada.get("/api/meetings/?from=2026-11-21T00:00:00Z&to=2026-11-23T00:00:00Z")).json()
        found = (await ada.get("/api/meetings/", params={"q": "syncs"})).json()

        assert [item["title"] for item in page["items"]] == ["Sync 2", "Sync 1"]
        assert (page["page"], page["per_page"], page["total"], page["pages"]) == (2, 2, 5, 3)
        assert [item["title"] for item in completed["items"]] == ["Sync 1", "Sync 3"]
        assert [item["title"] for item in between["items"]] == ["Sync 2", "Sync 1"]
        assert found["total"] == 5

    async def test_gives_equal_questions_one_entry_and_others_their_own(self, ada: httpx.AsyncClient) -> None:
        await ada.get("/api/meetings/?page=1&per_page=20")

        same = await ada.get("/api/meetings/?per_page=20&unknown=1&page=01")
        other = await ada.get("/api/meetings/?per_page=21")

        assert same.headers["cache-status"].startswith("mina; hit")
        assert other.headers["cache-status"].startswith("mina; fwd=uri-miss")

    async def test_refuses_pages_that_cannot_be(self, ada: httpx.AsyncClient) -> None:
        answers = [
            await ada.get("/api/meetings/", params=params)
            for params in ({"page": 0}, {"per_page": 101}, {"sort": "id; drop"}, {"from": "yesterday"})
        ]

        assert [answer.status_code for answer in answers] == [422] * 4
