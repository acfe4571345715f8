import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.settings import Settings
from tests.api import SignUp, a_client, a_meeting, running


async def me(client: httpx.AsyncClient) -> tuple[int, int]:
    """One's user id and workspace id."""
    account = (await client.get("/api/auth/me")).json()
    return account["id"], account["workspace"]["id"]


async def add(owner: httpx.AsyncClient, workspace: int, email: str, role: str = "member") -> httpx.Response:
    return await owner.post(f"/api/workspaces/{workspace}/members", json={"email": email, "role": role})


async def enter(client: httpx.AsyncClient, workspace: int) -> int:
    return (await client.put("/api/workspaces/current", json={"workspace_id": workspace})).status_code


class TestWorkspaces:
    async def test_are_created_listed_and_entered(self, ada: httpx.AsyncClient) -> None:
        await a_meeting(ada)
        created = (await ada.post("/api/workspaces/", json={"name": "Second"})).json()
        listed = (await ada.get("/api/workspaces/")).json()
        before = (await ada.get("/api/meetings/")).json()["total"]

        entered = await enter(ada, created["id"])

        assert [(each["name"], each["role"], each["current"]) for each in listed] == [
            ("Ada's workspace", "owner", True),
            ("Second", "owner", False),
        ]
        assert (entered, before) == (204, 1)
        assert (await ada.get("/api/auth/me")).json()["workspace"]["name"] == "Second"
        assert (await ada.get("/api/meetings/")).json()["total"] == 0

    async def test_of_others_cannot_be_entered_or_looked_into(self, sign_up: SignUp) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        bob_id, theirs = await me(bob)
        ada_id, _ = await me(ada)

        answers = [
            await ada.put("/api/workspaces/current", json={"workspace_id": theirs}),
            await ada.get(f"/api/workspaces/{theirs}/members"),
            await add(ada, theirs, "ada@example.com"),
            await ada.put(f"/api/workspaces/{theirs}/members/{bob_id}", json={"role": "viewer"}),
            await ada.delete(f"/api/workspaces/{theirs}/members/{bob_id}"),
            await ada.delete(f"/api/workspaces/{theirs}/members/{ada_id}"),
        ]

        assert [answer.status_code for answer in answers] == [404] * 6


class TestMembers:
    async def test_share_what_is_in_the_workspace(self, sign_up: SignUp) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        _, workspace = await me(ada)
        meeting = await a_meeting(ada)

        added = await add(ada, workspace, "BOB@example.com")
        await enter(bob, workspace)

        assert (added.status_code, added.json()["role"]) == (201, "member")
        assert (await bob.get(f"/api/meetings/{meeting}")).status_code == 200
        assert (await bob.patch(f"/api/meetings/{meeting}", json={"title": "Bob's"})).status_code == 200
        assert (await ada.get(f"/api/meetings/{meeting}")).json()["title"] == "Bob's"
        members = (await ada.get(f"/api/workspaces/{workspace}/members")).json()["items"]
        assert [each["name"] for each in members] == ["Ada", "Bob"]

    async def test_have_a_new_role_from_their_next_request_on_by_every_worker(
        self, sign_up: SignUp, settings: Settings, clock: FakeClock
    ) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        _, workspace = await me(ada)
        bob_id, own = await me(bob)
        meeting = await a_meeting(ada)
        await add(ada, workspace, "bob@example.com")
        await enter(bob, workspace)
        async with running(create_app(settings, clock=clock)) as worker:
            elsewhere = a_client(worker, bob.headers["authorization"].split()[1])
            before = await elsewhere.patch(f"/api/meetings/{meeting}", json={"title": "One"})

            await ada.put(f"/api/workspaces/{workspace}/members/{bob_id}", json={"role": "viewer"})
            as_viewer = await elsewhere.patch(f"/api/meetings/{meeting}", json={"title": "Two"})
            read = await elsewhere.get(f"/api/meetings/{meeting}")
            await ada.delete(f"/api/workspaces/{workspace}/members/{bob_id}")
            gone = await elsewhere.get(f"/api/meetings/{meeting}")
            back_home = (await elsewhere.get("/api/auth/me")).json()["workspace"]["id"]
            await elsewhere.aclose()

        assert [answer.status_code for answer in (before, as_viewer, read, gone)] == [200, 403, 200, 404]
        assert back_home == own

    async def test_are_not_shown_an_old_role_by_a_request_that_began_before_the_change(
        self, sign_up: SignUp, app: FastAPI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its viewer was loaded before the change, its look-up comes after: it must not store what it knew."""
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        _, workspace = await me(ada)
        bob_id, _ = await me(bob)
        await add(ada, workspace, "bob@example.com", "admin")
        await enter(bob, workspace)
        authenticated, go, look_up = asyncio.Event(), asyncio.Event(), app.state.cache.read

        async def held(*arguments: Any, **named: Any) -> Any:
            authenticated.set()
            await go.wait()
            return await look_up(*arguments, **named)

        monkeypatch.setattr(app.state.cache, "read", held)
        early = asyncio.create_task(bob.get("/api/auth/me"))
        await authenticated.wait()
        await ada.put(f"/api/workspaces/{workspace}/members/{bob_id}", json={"role": "viewer"})
        go.set()
        await early

        later = await bob.get("/api/auth/me")

        assert later.json()["workspace"]["role"] == "viewer"

    async def test_are_managed_by_admins_and_owners_alone_and_owners_by_owners(self, sign_up: SignUp) -> None:
        ada, bob, eve = [await sign_up(f"{name}@example.com") for name in ("ada", "bob", "eve")]
        ada_id, workspace = await me(ada)
        bob_id, _ = await me(bob)
        eve_id, _ = await me(eve)
        await add(ada, workspace, "bob@example.com", "member")
        member = await add(bob, workspace, "eve@example.com")
        await ada.put(f"/api/workspaces/{workspace}/members/{bob_id}", json={"role": "admin"})

        admin = await add(bob, workspace, "eve@example.com")
        twice = await add(bob, workspace, "eve@example.com")
        unknown = await add(bob, workspace, "nobody@example.com")
        promoted = await bob.put(f"/api/workspaces/{workspace}/members/{eve_id}", json={"role": "owner"})
        deposed = await bob.put(f"/api/workspaces/{workspace}/members/{ada_id}", json={"role": "viewer"})
        ousted = await bob.delete(f"/api/workspaces/{workspace}/members/{ada_id}")

        assert [each.status_code for each in (member, admin, twice, unknown)] == [403, 201, 409, 404]
        assert [each.status_code for each in (promoted, deposed, ousted)] == [403, 403, 403]

    @pytest.mark.parametrize("leave", [True, False])
    async def test_include_an_owner_always_also_when_two_go_at_once(self, sign_up: SignUp, leave: bool) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        ada_id, workspace = await me(ada)
        bob_id, _ = await me(bob)
        await add(ada, workspace, "bob@example.com", "owner")

        def go(client: httpx.AsyncClient, user: int) -> "asyncio.Future[httpx.Response]":
            path = f"/api/workspaces/{workspace}/members/{user}"
            request = client.delete(path) if leave else client.put(path, json={"role": "member"})
            return asyncio.ensure_future(request)

        answers = await asyncio.gather(go(ada, ada_id), go(bob, bob_id))

        assert sorted(answer.status_code for answer in answers) == [204 if leave else 200, 409]

    async def test_who_are_left_without_a_workspace_get_one_of_their_own(self, sign_up: SignUp, app: FastAPI) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        ada_id, workspace = await me(ada)
        await add(ada, workspace, "bob@example.com", "owner")

        left = await ada.delete(f"/api/workspaces/{workspace}/members/{ada_id}")

        assert left.status_code == 204
        assert (await ada.get("/api/auth/me")).json()["workspace"]["id"] != workspace
        assert (await bob.get(f"/api/workspaces/{workspace}/members")).json()["total"] == 1
