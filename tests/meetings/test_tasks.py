import httpx

from tests.api import SignUp, a_meeting


async def a_task(client: httpx.AsyncClient, meeting: int, **fields: object) -> httpx.Response:
    answer = await client.post(f"/api/meetings/{meeting}/tasks/", json={"title": "Send the minutes", **fields})
    assert answer.status_code == 201, answer.text
    return answer


class TestTasks:
    async def test_are_created_read_changed_and_deleted_at_once(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        created = await a_task(ada, meeting, assignee="Bob", due_on="2026-12-01")
        path = created.headers["location"]
        first = await ada.get(path)

        patched = await ada.patch(path, json={"done": True})
        second = await ada.get(path)
        put = await ada.put(path, json={"title": "Else"})
        deleted = await ada.delete(path)

        assert first.json() == created.json()
        assert (second.json()["done"], second.json()["assignee"]) == (True, "Bob")
        assert second.headers["etag"] == patched.headers["etag"] != first.headers["etag"]
        assert (put.json()["title"], put.json()["assignee"], put.json()["done"]) == ("Else", None, False)
        assert (deleted.status_code, (await ada.get(path)).status_code) == (204, 404)

    async def test_are_listed_open_ones_first_by_due_date(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        for title, due_on, done in (
            ("late", "2026-12-09", False),
            ("done", "2026-01-01", True),
            ("never", None, False),
            ("soon", "2026-12-01", False),
        ):
            await a_task(ada, meeting, title=title, due_on=due_on, done=done)

        page = (await ada.get(f"/api/meetings/{meeting}/tasks/")).json()

        assert [each["title"] for each in page["items"]] == ["soon", "late", "never", "done"]
        assert page["total"] == 4

    async def test_show_on_the_dashboard_at_once_while_they_are_due(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        await ada.get("/api/analytics/dashboard")
        due = await a_task(ada, meeting, due_on="2026-11-30")
        await a_task(ada, meeting, due_on="2026-12-02")

        before = (await ada.get("/api/analytics/dashboard")).json()["tasks_due"]
        await ada.patch(due.headers["location"], json={"done": True})
        after = (await ada.get("/api/analytics/dashboard")).json()["tasks_due"]

        assert ([each["id"] for each in before], after) == ([due.json()["id"]], [])

    async def test_of_another_version_or_workspace_are_left_alone(self, sign_up: SignUp) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        meeting = await a_meeting(ada)
        path = (await a_task(ada, meeting)).headers["location"]
        own = await a_meeting(bob)

        stale = await ada.patch(path, json={"done": True}, headers={"If-Match": '"t1.9"'})
        foreign = [
            await bob.get(path),
            await bob.patch(path, json={"done": True}),
            await bob.delete(path),
            await bob.get(f"/api/meetings/{meeting}/tasks/"),
            await bob.post(f"/api/meetings/{meeting}/tasks/", json={"title": "Mine"}),
            await bob.get(path.replace(f"/{meeting}/", f"/{own}/")),
        ]

        assert stale.status_code == 412
        assert [answer.status_code for answer in foreign] == [404] * 6
        assert (await ada.get(path)).json()["done"] is False
