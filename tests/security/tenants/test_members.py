"""Who is in the workspace, but may not do everything; and who was in it, and may do nothing any more."""

from tests.api import SignUp, a_meeting
from tests.security.tenants.asking import own_writes
from tests.security.tenants.conftest import Town
from tests.security.tenants.walk import fill
from tests.security.tenants.world import World
from tests.workspaces.test_routes import add, enter, me

# What a viewer may ask that is no GET: what is their own, and a ticket to listen.
A_VIEWERS_OWN = frozenset(
    (
        *("create_api_key", "logout", "refresh_token", "register", "create_token", "create_ticket"),
        *("create_workspace", "enter_workspace", "delete_api_key"),
    )
)


class TestAViewer:
    async def test_changes_nothing_by_any_operation(self, town: Town) -> None:
        await add(town.ada.client, int(town.ada.values["workspace_id"][0]), town.bob.email, "viewer")
        assert await enter(town.bob.client, int(town.ada.values["workspace_id"][0])) == 204
        before = await fill(town.app, town.ada, town.operations)
        names = {**town.ada.values, "key": ["mina:session:any"], "tag": ["ws:1:session"]}
        viewer = World(town.ada.word, town.bob.client, names)

        answers = {
            operation.name: [await each.send(viewer.client) for each in own_writes(operation, viewer)]
            for operation in town.operations
            if not operation.reads and operation.name not in A_VIEWERS_OWN
        }
        after = await fill(town.app, town.ada, town.operations)

        assert len(answers) > 25
        assert {name for name, given in answers.items() if {each.status_code for each in given} != {403}} == set()
        assert before == after

    async def test_is_no_operator(self, town: Town) -> None:
        await add(town.ada.client, int(town.ada.values["workspace_id"][0]), town.bob.email, "viewer")
        await enter(town.bob.client, int(town.ada.values["workspace_id"][0]))
        guarded = [each for each in town.operations if each.path.startswith("/ops") and each.needs_credentials]

        answers = [await town.bob.client.get(each.path) for each in guarded if each.reads and "{" not in each.path]

        assert {each.status_code for each in answers} == {403}


class TestARemovedMember:
    async def test_gets_nothing_of_what_they_could_read_a_moment_ago(self, town: Town) -> None:
        workspace, (bob, _) = int(town.ada.values["workspace_id"][0]), await me(town.bob.client)
        await add(town.ada.client, workspace, town.bob.email, "admin")
        assert await enter(town.bob.client, workspace) == 204
        reader = World(town.ada.word, town.bob.client, town.ada.values)
        read = await fill(town.app, reader, town.operations)
        assert sum(town.ada.word.encode() in each for each in read.values()) > 10

        removed = await town.ada.client.delete(f"/api/workspaces/{workspace}/members/{bob}")
        walk = await town.walk(asked_before=read)

        assert removed.status_code == 204
        assert walk.leaks == []

    async def test_is_not_told_again_what_an_idempotency_key_was_answered(self, sign_up: SignUp) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        (_, workspace), (bob_id, _) = await me(ada), await me(bob)
        await add(ada, workspace, "bob@example.com", "member")
        await enter(bob, workspace)
        meeting = await a_meeting(ada, title="Quillwort")
        key = {"Idempotency-Key": "k-1"}
        path = f"/api/analytics/meetings/{meeting}/process"
        first = await bob.post(path, headers=key)

        await ada.delete(f"/api/workspaces/{workspace}/members/{bob_id}")
        repeated, created = (
            await bob.post(path, headers=key),
            await bob.post("/api/meetings/", headers=key, json={"title": "x"}),
        )

        assert first.status_code == 200
        assert (repeated.status_code, created.status_code) == (422, 422)
        assert str(first.json()["meeting_id"]) not in repeated.json()["detail"]
