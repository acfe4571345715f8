"""A live session of one tenant's is as if it had never been for another, whatever they bring of its owner's."""

from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import ConnectionClosed

from tests.security.tenants.conftest import Town
from tests.sessions.sockets import joined, listening, token_of

NEVER = 799_999_001


@pytest.fixture
async def address(town: Town) -> AsyncIterator[str]:
    async with listening(town.app) as found:
        yield found


async def refusal(address: str, session: int, token: str | None, query: str = "") -> tuple[int, str, list[str]]:
    """The close code and its reason, and whatever came before them."""
    received = []
    async with joined(address, session, token, query) as participant:
        try:
            while True:
                received.append(str(await participant.socket.recv()))
        except ConnectionClosed as end:
            assert end.rcvd is not None
            return end.rcvd.code, end.rcvd.reason, received


class TestALiveSession:
    async def test_of_anothers_is_as_one_that_never_was(self, town: Town, address: str) -> None:
        session, token = int(town.ada.values["session_id"][0]), token_of(town.bob.client)

        for query in ("", "?since=0"):
            real = await refusal(address, session, token, query)
            assert real == await refusal(address, NEVER, token, query) == (4404, "There is no such session.", [])

    async def test_is_opened_by_no_secret_of_its_owners_but_their_ticket_and_at_no_other_session(
        self, town: Town, address: str
    ) -> None:
        hers, his = [int(each.values["session_id"][0]) for each in (town.ada, town.bob)]
        ticket = (await town.ada.client.post(f"/api/sessions/{hers}/ticket")).json()["ticket"]
        his_ticket = (await town.bob.client.post(f"/api/sessions/{his}/ticket")).json()["ticket"]
        token = token_of(town.bob.client)
        tries = [(his, ticket), (hers, his_ticket), (NEVER, ticket), (hers, "x" * 43), (hers, town.ada.refresh_token)]

        refusals = [await refusal(address, session, token, f"?ticket={each}") for session, each in tries]

        assert set(map(str, refusals)) == {str((4401, "The ticket is not valid: get a new one.", []))}

    async def test_is_not_entered_by_who_was_removed_since_their_ticket_was_given(
        self, town: Town, address: str
    ) -> None:
        (session,), (workspace,) = town.ada.values["session_id"], town.ada.values["workspace_id"]
        (bob,) = town.bob.values["user_id"]
        path = f"/api/workspaces/{workspace}/members"
        await town.ada.client.post(path, json={"email": town.bob.email, "role": "admin"})
        await town.bob.client.put("/api/workspaces/current", json={"workspace_id": int(workspace)})
        ticket = (await town.bob.client.post(f"/api/sessions/{session}/ticket")).json()["ticket"]

        await town.ada.client.delete(f"{path}/{bob}")

        code, _, received = await refusal(address, int(session), None, f"?ticket={ticket}")
        assert (code, received) == (4403, [])


class TestSecrets:
    async def test_of_one_kind_open_nothing_in_the_place_of_another(self, town: Town) -> None:
        (session,) = town.ada.values["session_id"]
        ticket = (await town.ada.client.post(f"/api/sessions/{session}/ticket")).json()["ticket"]
        access = token_of(town.ada.client)
        key = next(each for each in town.ada.secrets if each.startswith("mina_"))
        misplaced = [
            {"Authorization": f"Bearer {town.ada.refresh_token}"},
            {"Authorization": f"Bearer {ticket}"},
            {"Authorization": f"Basic {access}"},
            {"Authorization": ""},
            {"X-API-Key": access},
            {"X-API-Key": town.ada.refresh_token},
            {"X-API-Key": key[:-1]},
            {"Cookie": f"mina_ops={access}"},
        ]

        answers = [
            await town.ops.get(path, headers={"Authorization": "", **headers})
            for headers in misplaced
            for path in ("/api/auth/me", "/ops/cache/keys")
        ]
        exchanged = [
            await town.ops.post("/api/auth/refresh", json={"refresh_token": each}) for each in (access, ticket, key)
        ]

        assert {each.status_code for each in answers} == {401}
        # What does not even look like a refresh token is 422.
        assert {each.status_code for each in exchanged} <= {401, 422}
