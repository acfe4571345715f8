"""Entries listed, explained and cleared: all of them by the ops token, one workspace's by its admin."""

from typing import Any
from urllib.parse import quote

import httpx

from tests.api import SignUp, a_meeting
from tests.ops.conftest import until

LONG_WAY = {"Pragma": "x"}


async def keys(client: httpx.AsyncClient, **query: Any) -> list[str]:
    """Every key that is listed, page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        params = {**query, **({"cursor": cursor} if cursor else {})}
        answer = await client.get("/ops/cache/keys", params=params)
        assert answer.status_code == 200, answer.text
        found += [item["key"] for item in answer.json()["items"]]
        if (cursor := answer.json()["cursor"]) is None:
            return found


async def look(client: httpx.AsyncClient, key: str) -> dict[str, Any]:
    answer = await client.get(f"/ops/cache/keys/{quote(key, safe='')}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestKeys:
    async def test_are_listed_by_prefix_and_by_a_part(self, ops: httpx.AsyncClient, ada: httpx.AsyncClient) -> None:
        for days in (7, 14, 30):
            await ada.get(f"/api/analytics/dashboard?days={days}")
        await ada.get("/api/meetings/")

        assert len(await keys(ops, prefix="analytics", limit=1)) == 3
        (one,) = await keys(ops, match="days=14")
        assert one.startswith("mina:analytics:api_analytics.get_dashboard_analytics:user:")
        assert await keys(ops, match="[nothing]") == []
        assert all(key.split(":")[1] in ("session", "analytics") for key in await keys(ops))

    async def test_of_other_workspaces_are_hidden_from_an_admin(
        self, sign_up: SignUp, ops: httpx.AsyncClient, ada: httpx.AsyncClient
    ) -> None:
        bob = await sign_up("bob@example.com")
        for client in (ada, bob):
            await client.get("/api/analytics/dashboard")
        mine = await keys(ada, prefix="analytics")
        (other,) = set(await keys(ops, prefix="analytics")) - set(mine)
        path = f"/ops/cache/keys/{quote(other, safe='')}"

        assert len(mine) == 1
        assert [(await ada.request(method, path)).status_code for method in ("GET", "DELETE")] == [404, 404]
        assert (await ada.delete("/ops/cache/tags/prefix%3Aanalytics")).status_code == 403
        assert (await look(ops, other))["valid"]

    async def test_that_are_not_entries_are_not_there(self, ops: httpx.AsyncClient) -> None:
        for name in ("mina:{tags}:counts", "mina:session:nothing", "other"):
            assert (await ops.get(f"/ops/cache/keys/{quote(name, safe='')}")).status_code == 404
        assert (await ops.get("/ops/cache/keys?cursor=x")).status_code == 422


class TestAnEntry:
    async def test_says_why_it_is_served_and_who_ended_that(
        self, ops: httpx.AsyncClient, ada: httpx.AsyncClient
    ) -> None:
        meeting = await a_meeting(ada)
        await ada.get(f"/api/meetings/{meeting}")
        (key,) = await keys(ops, match="get_meeting:")
        before = await look(ops, key)
        await ada.patch(f"/api/meetings/{meeting}", json={"title": "Other"})

        after = await until(
            lambda: look(ops, key),
            lambda found: any(tag["last_invalidation"] for tag in found["tags"] if tag["tag"] == f"meeting:{meeting}"),
        )

        assert (before["valid"], before["reasons"], before["age_seconds"]) == (True, [], 0.0)
        assert before["ttl_seconds"] > 0 and before["status"] == 200 and before["load_ms"] == 0
        assert {tag["state"] for tag in before["tags"]} == {"current"}
        assert not after["valid"]
        assert f"meeting:{meeting} was invalidated after it was read" in after["explanation"]
        last = next(tag for tag in after["tags"] if tag["tag"] == f"meeting:{meeting}")["last_invalidation"]
        assert last["request"] == f"PATCH /api/meetings/{meeting}"
        assert last["user"] == (await ada.get("/api/auth/me")).json()["id"]

    async def test_is_gone_for_every_worker_once_deleted(self, ops: httpx.AsyncClient, ada: httpx.AsyncClient) -> None:
        for _ in range(2):
            await ada.get("/api/analytics/dashboard", headers=LONG_WAY)
        (key,) = await keys(ops, prefix="analytics")

        deleted = await ops.delete(f"/ops/cache/keys/{quote(key, safe='')}")
        again = await ada.get("/api/analytics/dashboard")

        assert deleted.status_code == 204
        assert again.headers["cache-status"].startswith("mina; fwd=uri-miss")


class TestClearing:
    async def test_a_prefix_is_of_the_admins_workspace(
        self, sign_up: SignUp, ops: httpx.AsyncClient, ada: httpx.AsyncClient
    ) -> None:
        bob = await sign_up("bob@example.com")
        path = "/api/analytics/dashboard"
        for client in (ada, bob):
            await client.get(path)

        mine = await ada.delete("/ops/cache/prefixes/analytics")
        statuses = [(await each.get(path)).headers["cache-status"].split(";")[1] for each in (ada, bob)]
        all_of_it = await ops.delete("/ops/cache/prefixes/analytics")
        after = [(await each.get(path)).headers["cache-status"].split(";")[1] for each in (ada, bob)]

        assert mine.json()["scope"].startswith("ws:")
        assert statuses == [" fwd=uri-miss", " hit"]
        assert (all_of_it.json()["scope"], after) == (None, [" fwd=uri-miss", " fwd=uri-miss"])

    async def test_a_tag(self, ops: httpx.AsyncClient, ada: httpx.AsyncClient) -> None:
        me = (await ada.get("/api/auth/me")).json()["id"]
        await ada.get("/api/analytics/dashboard")

        assert (await ops.delete(f"/ops/cache/tags/user%3A{me}")).status_code == 204
        assert "fwd=uri-miss" in (await ada.get("/api/analytics/dashboard")).headers["cache-status"]


class TestWarming:
    async def test_asks_again_for_what_was_used_and_tells_how_far_it_is(
        self, ops: httpx.AsyncClient, ada: httpx.AsyncClient
    ) -> None:
        for path in ("/api/analytics/dashboard", "/api/meetings/"):
            await ada.get(path)
        await ops.delete("/ops/cache/prefixes/analytics")

        told = await ops.post("/ops/cache/warm?limit=10&concurrency=2")

        assert told.headers["content-type"].startswith("text/event-stream")
        assert told.text.endswith('event: done\ndata: {"total":2,"answered":2,"failed":0}\n\n')
        assert told.text.count("event: progress") == 3
        assert "hit" in (await ada.get("/api/analytics/dashboard")).headers["cache-status"]

    async def test_is_of_the_admins_workspace(self, sign_up: SignUp, ada: httpx.AsyncClient) -> None:
        bob = await sign_up("bob@example.com")
        await ada.get("/api/analytics/dashboard")

        assert '"total":0' in (await bob.post("/ops/cache/warm")).text
        assert '"total":1' in (await ada.post("/ops/cache/warm")).text
