"""An admin of one workspace learns nothing, by the operations of the cache, of what is in another's."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from tests.api import OPS_TOKEN, SignUp, a_client, a_meeting
from tests.workspaces.test_routes import add, enter, me

MANY = 3000


@pytest.fixture
async def ops(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(app, OPS_TOKEN) as client:
        yield client


async def page_of(client: httpx.AsyncClient, match: str) -> tuple[list[str], bool]:
    """The first page of one's keys that match, and whether there is another."""
    answer = await client.get("/ops/cache/keys", params={"match": match, "limit": 1})
    assert answer.status_code == 200, answer.text
    return [each["key"] for each in answer.json()["items"]], answer.json()["cursor"] is not None


class TestKeys:
    async def test_of_others_end_no_page_so_that_none_tells_what_they_asked_for(
        self, sign_up: SignUp, valkey_url: str
    ) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        await ada.get("/api/meetings/?q=takeover")
        await bob.get("/api/meetings/?q=picnic")
        async with Redis.from_url(valkey_url) as redis:
            await redis.mset({f"mina:temp:{number}": b"" for number in range(MANY)})

        assert await page_of(bob, "takeover") == await page_of(bob, "makeover") == ([], False)
        assert len((await page_of(bob, "picnic"))[0]) == 1

    async def test_of_a_member_of_two_workspaces_do_not_say_who_did_what_in_the_other(
        self, app: FastAPI, sign_up: SignUp, ops: httpx.AsyncClient
    ) -> None:
        ada, bob, eve = [await sign_up(f"{name}@example.com") for name in ("ada", "bob", "eve")]
        (eve_id, _), (_, adas), (_, bobs) = [await me(each) for each in (eve, ada, bob)]
        for owner, workspace in ((ada, adas), (bob, bobs)):
            assert (await add(owner, workspace, "eve@example.com", "member")).status_code == 201
        assert await enter(eve, bobs) == 204
        await a_meeting(bob, title="Bob's")
        await ada.put(f"/api/workspaces/{adas}/members/{eve_id}", json={"role": "viewer"})
        await eve.get("/api/meetings/")
        (key,) = [
            each["key"]
            for each in (await bob.get("/ops/cache/keys")).json()["items"]
            if f"list_meetings:user:{eve_id}" in each["key"]
        ]

        await app.state.operations.teller.tell()
        path = f"/ops/cache/keys/{quote(key, safe='')}"
        shown, whole = await bob.get(path), await ops.get(path)

        assert f"workspaces/{adas}" not in shown.text
        assert "POST /api/meetings/" in shown.text
        assert f"PUT /api/workspaces/{adas}/members/{eve_id}" in whole.text
