import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from mina_api.auth.api_keys import new_key, owner_of, shown_prefix
from mina_api.cache.testing import FakeClock
from mina_api.db.session import Database
from tests.api import SignUp, a_client, a_meeting


async def a_key(client: httpx.AsyncClient, **fields: object) -> dict[str, str]:
    answer = await client.post("/api/auth/api-keys", json={"name": "import", **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, str] = answer.json()
    return found


class TestKeys:
    def test_say_whose_they_are_and_nothing_else(self) -> None:
        key = new_key(123)

        assert owner_of(key) == 123
        assert shown_prefix(key) == key[: len("mina_123_") + 6]
        assert [owner_of(each) for each in ("mina_1_x", "mina__", key + "x", "mina_x_" + "a" * 43)] == [None] * 4


class TestApiKeys:
    async def test_open_the_workspace_as_bearer_token_and_as_header(self, ada: httpx.AsyncClient, app: FastAPI) -> None:
        meeting = await a_meeting(ada)
        key = (await a_key(ada))["key"]

        async with a_client(app, key) as program, a_client(app) as other:
            as_bearer = await program.get(f"/api/meetings/{meeting}")
            as_header = await other.get(f"/api/meetings/{meeting}", headers={"X-API-Key": key})

        assert (as_bearer.status_code, as_header.status_code) == (200, 200)

    async def test_read_alone_unless_they_may_write(self, ada: httpx.AsyncClient, app: FastAPI) -> None:
        meeting = await a_meeting(ada)
        keys = [(await a_key(ada, scope=scope))["key"] for scope in ("read", "write")]

        statuses = []
        for key in keys:
            async with a_client(app, key) as program:
                statuses.append((await program.patch(f"/api/meetings/{meeting}", json={"title": "New"})).status_code)

        assert statuses == [403, 200]

    async def test_have_entries_of_their_own(self, ada: httpx.AsyncClient, app: FastAPI) -> None:
        key = (await a_key(ada))["key"]
        own = (await ada.get("/api/auth/me")).json()["workspace"]["role"]

        async with a_client(app, key) as program:
            theirs = (await program.get("/api/auth/me")).json()["workspace"]["role"]

        assert (own, theirs) == ("owner", "viewer")

    async def test_manage_neither_keys_nor_members_nor_sign_ins(self, ada: httpx.AsyncClient, app: FastAPI) -> None:
        account = (await ada.get("/api/auth/me")).json()
        key = await a_key(ada, scope="write")
        members = f"/api/workspaces/{account['workspace']['id']}/members"

        async with a_client(app, key["key"]) as program:
            answers = [
                await program.post("/api/auth/api-keys", json={"name": "more"}),
                await program.get("/api/auth/api-keys"),
                await program.delete(f"/api/auth/api-keys/{key['id']}"),
                await program.post("/api/auth/logout"),
                await program.post(members, json={"email": "bob@example.com"}),
                await program.put("/api/workspaces/current", json={"workspace_id": account["workspace"]["id"]}),
                await program.post("/api/workspaces/", json={"name": "Mine"}),
            ]

        assert [answer.status_code for answer in answers] == [403] * len(answers)

    async def test_are_refused_at_once_when_deleted_and_when_expired(
        self, ada: httpx.AsyncClient, app: FastAPI, clock: FakeClock
    ) -> None:
        deleted, expiring = await a_key(ada), await a_key(ada, expires_in_days=1)
        async with a_client(app, deleted["key"]) as one, a_client(app, expiring["key"]) as other:
            before = [(await each.get("/api/auth/me")).status_code for each in (one, other)]
            await ada.delete(f"/api/auth/api-keys/{deleted['id']}")
            after = (await one.get("/api/auth/me")).status_code
            clock.advance(86_400)
            later = (await other.get("/api/auth/me")).status_code

        assert (before, after, later) == ([200, 200], 401, 401)

    async def test_are_shown_once_and_stored_hashed(self, ada: httpx.AsyncClient, database: Database) -> None:
        key = await a_key(ada)

        listed = (await ada.get("/api/auth/api-keys")).json()["items"]
        async with database.read() as session:
            row = str((await session.execute(text("SELECT * FROM api_keys"))).mappings().one())

        assert [each["prefix"] for each in listed] == [key["prefix"]]
        assert "key" not in listed[0]
        assert key["key"][-30:] not in row

    @pytest.mark.parametrize("key", ["mina_1_short", "mina_1_" + "A" * 43, "mina_999_" + "A" * 43])
    async def test_that_nobody_made_are_refused(self, client: httpx.AsyncClient, key: str) -> None:
        answer = await client.get("/api/auth/me", headers={"X-API-Key": key})

        assert answer.status_code == 401

    async def test_of_others_can_be_neither_seen_nor_deleted(self, sign_up: SignUp) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        key = await a_key(ada)

        assert (await bob.get("/api/auth/api-keys")).json()["total"] == 0
        assert (await bob.delete(f"/api/auth/api-keys/{key['id']}")).status_code == 404
