"""One worker, real sockets: what a participant may send, and what they get."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from tests.api import SignUp
from tests.sessions.sockets import a_session, eventually, joined, listeners, listening, token_of

MISTAKES = (
    ("{", "Invalid JSON"),
    ("[]", "object"),
    ('{"type": "shout"}', "shout"),
    ('{"type": "segment", "seq": -1, "speaker": "A", "start": 0, "end": 1, "text": "x"}', "seq"),
    ('{"type": "segment", "seq": 1.5, "speaker": "A", "start": 0, "end": 1, "text": "x"}', "seq"),
    ('{"type": "segment", "seq": 1, "speaker": "A", "start": NaN, "end": 1, "text": "x"}', "start"),
    ('{"type": "segment", "seq": 1, "speaker": "A", "start": 0, "end": 1e9, "text": "x"}', "end"),
    ('{"type": "segment", "seq": 1, "speaker": "A", "start": 0, "end": 1, "text": "\\u0000"}', "text"),
    ('{"type": "segment", "seq": 1, "speaker": "A", "start": 0, "end": 1, "text": "\\ud800"}', ""),
    ('{"type": "segment", "seq": 1, "start": 0, "end": 1, "text": "x"}', "speaker"),
)


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    """Where the application listens."""
    async with listening(app) as at:
        yield at


@pytest.fixture
async def session(ada: httpx.AsyncClient) -> int:
    """A session of Ada's."""
    return await a_session(ada)


@pytest.fixture
def token(ada: httpx.AsyncClient) -> str:
    """Ada's access token."""
    return token_of(ada)


async def texts(client: httpx.AsyncClient, session: int) -> list[str]:
    """What is stored of a session."""
    answer = (await client.get(f"/api/sessions/{session}/transcription")).json()
    return [each["text"] for each in answer["segments"]]


class TestASegment:
    async def test_is_acknowledged_once_it_is_durable_and_goes_to_all_others(
        self, address: str, session: int, token: str, database_url: str
    ) -> None:
        async with joined(address, session, token) as ada, joined(address, session, token) as bob:
            await bob.next("state")
            await ada.say(7, "Shall we begin?", start=1.25, end=2.5)

            ack = await ada.next("ack")
            segment = await bob.next("segment")

            connection = await asyncpg.connect(database_url)
            stored = await connection.fetchrow("SELECT text, start_ms, end_ms FROM live_segments")
            await connection.close()
        assert ack == {"type": "ack", "seq": 7, "position": 1}
        assert segment == {
            "type": "segment",
            "position": 1,
            "seq": 7,
            "participant": segment["participant"],
            "speaker": "Ada",
            "start": 1.25,
            "end": 2.5,
            "text": "Shall we begin?",
            "final": True,
        }
        assert stored is not None
        assert tuple(stored) == ("Shall we begin?", 1250, 2500)
        assert [each["type"] for each in ada.received] == ["state", "ack"]

    async def test_that_is_repeated_is_stored_once(
        self, address: str, session: int, ada: httpx.AsyncClient, token: str
    ) -> None:
        async with joined(address, session, token) as first:
            await first.say(1, "One.")
            await first.say(1, "One, again.")
            await first.say(2, "Two.")
            acks = await first.take("ack", 3)
        async with joined(address, session, token) as second:
            await second.say(2, "Two.")
            await second.say(3, "Three.")
            acks += await second.take("ack", 2)

        assert [(each["seq"], each["position"]) for each in acks] == [(1, 1), (1, 1), (2, 2), (2, 2), (3, 3)]
        assert await texts(ada, session) == ["One.", "Two.", "Three."]

    async def test_of_another_connection_that_counts_for_itself_is_another(
        self, address: str, session: int, ada: httpx.AsyncClient, token: str
    ) -> None:
        async with joined(address, session, token) as one, joined(address, session, token) as other:
            await one.say(1, "One.")
            await one.next("ack")
            await other.say(1, "Other.")
            await other.next("ack")

        assert await texts(ada, session) == ["One.", "Other."]

    async def test_that_is_a_draft_is_shown_and_overwritten_and_becomes_final_once(
        self, address: str, session: int, ada: httpx.AsyncClient, token: str
    ) -> None:
        async with joined(address, session, token) as speaker, joined(address, session, token) as listener:
            await listener.next("state")
            for text in ("Shall", "Shall we"):
                await speaker.say(1, text, final=False)
                await speaker.next("ack")
            shown = await listener.take("segment", 2)
            async with joined(address, session, token) as late:
                drafts = (await late.next("state"))["drafts"]
            await speaker.say(1, "Shall we begin?")
            await speaker.next("ack")
            final = await listener.next("segment")
            await speaker.say(1, "late", final=False)
            await speaker.next("ack")
            async with joined(address, session, token, "?since=0") as later:
                state = await later.next("state")

        assert [(each["text"], each["final"]) for each in (*shown, final)] == [
            ("Shall", False), ("Shall we", False), ("Shall we begin?", True),
        ]  # fmt: skip
        assert [each["text"] for each in drafts] == ["Shall we"]
        assert (state["drafts"], [each["text"] for each in state["segments"]]) == ([], ["Shall we begin?"])
        assert await texts(ada, session) == ["Shall we begin?"]

    async def test_that_is_none_is_an_error_and_not_the_end(self, address: str, session: int, token: str) -> None:
        async with joined(address, session, token) as ada:
            for message, detail in MISTAKES:
                await ada.socket.send(message)
                assert detail in (await ada.next("error"))["detail"]
            await ada.send(type="ping")

            assert await ada.next("pong") == {"type": "pong"}

    async def test_that_is_too_large_or_no_text_ends_the_connection(
        self, address: str, session: int, token: str
    ) -> None:
        async with joined(address, session, token) as large, joined(address, session, token) as binary:
            await large.socket.send("x" * (256 * 1024 + 1))
            await binary.socket.send(b"{}")

            assert (await large.closed(), await binary.closed()) == (1009, 1003)


class TestJoining:
    async def test_tells_the_state_and_what_was_missed_since_a_position(
        self, address: str, session: int, token: str
    ) -> None:
        async with joined(address, session, token) as speaker:
            for seq in range(1, 6):
                await speaker.say(seq, f"Number {seq}")
            await speaker.send(type="speaker", label="Ada", name="Ada Lovelace")
            await speaker.take("ack", 5)
            states = []
            for query in ("", "?since=0", "?since=3", "?since=5", "?since=900"):
                async with joined(address, session, token, query) as late:
                    states.append(await late.next("state"))

        assert [[each["position"] for each in state["segments"]] for state in states] == [
            [], [1, 2, 3, 4, 5], [4, 5], [], [],
        ]  # fmt: skip
        assert {state["position"] for state in states} == {5}
        assert states[0]["status"] == "live"

    async def test_goes_through_what_is_too_much_for_one_message_in_order(
        self, address: str, session: int, token: str
    ) -> None:
        async with joined(address, session, token) as speaker:
            for seq in range(1, 1201):
                await speaker.say(seq, "x" * 1000)
            await speaker.take("ack", 1200)
            async with joined(address, session, token, "?since=100") as late:
                state = await late.next("state")
                positions = [each["position"] for each in state["segments"]]
                positions += [each["position"] for each in await late.take("segment", 1100 - len(positions))]
                await speaker.say(1201)
                positions.append((await late.next("segment"))["position"])

        assert 0 < len(state["segments"]) < 500
        assert positions == list(range(101, 1202))

    async def test_badly_is_refused_by_a_close_code(self, address: str, session: int, token: str) -> None:
        for path, code in (("?since=x", 1008), ("?since=-1", 1008), ("?ticket=x", 4401), ("?ticket=", 4401)):
            async with joined(address, session, token, path) as nobody:
                assert await nobody.closed() == code

    async def test_needs_credentials_and_a_session_of_the_workspace(
        self, address: str, session: int, sign_up: SignUp, token: str
    ) -> None:
        bob = await sign_up("bob@example.com")
        for number, credential, code in (
            (session, None, 4401),
            (session, "nonsense", 4401),
            (session, token_of(bob), 4404),
            (session + 1, token, 4404),
            (2**70, token, 4404),
        ):
            async with joined(address, number, credential) as nobody:
                assert await nobody.closed() == code


class TestPermissions:
    async def test_are_checked_again_while_connected(
        self, app: FastAPI, address: str, ada: httpx.AsyncClient, session: int, sign_up: SignUp
    ) -> None:
        bob = await sign_up("bob@example.com")
        workspace = (await ada.get("/api/auth/me")).json()["workspace"]["id"]
        member = await ada.post(
            f"/api/workspaces/{workspace}/members", json={"email": "bob@example.com", "role": "member"}
        )
        await bob.put("/api/workspaces/current", json={"workspace_id": workspace})
        path = f"/api/workspaces/{workspace}/members/{member.json()['user_id']}"
        async with joined(address, session, token_of(bob)) as participant:
            await participant.say(1)
            await participant.next("ack")
            await ada.put(path, json={"role": "viewer"})
            await eventually(lambda: not any(each.may_write for each in listeners(app, session)))
            await participant.say(2)
            refused = await participant.next("error")
            await ada.delete(path)

            assert await participant.closed() == 4403
        assert refused["seq"] == 2

    async def test_end_with_the_sign_in(self, address: str, ada: httpx.AsyncClient, session: int, token: str) -> None:
        async with joined(address, session, token) as participant:
            await participant.next("state")
            await ada.post("/api/auth/logout")

            assert await participant.closed() == 4401

    async def test_of_a_key_that_reads_are_to_listen(self, address: str, ada: httpx.AsyncClient, session: int) -> None:
        key = (await ada.post("/api/auth/api-keys", json={"name": "screen"})).json()
        ticket = await ada.post(f"/api/sessions/{session}/ticket", headers={"X-API-Key": key["key"]})
        async with (
            joined(address, session, key["key"]) as by_header,
            joined(address, session, None, f"?ticket={ticket.json()['ticket']}") as by_ticket,
        ):
            for participant in (by_header, by_ticket):
                await participant.say(1)
                assert (await participant.next("error"))["seq"] == 1
            await ada.delete(f"/api/auth/api-keys/{key['id']}")
            assert [await by_header.closed(), await by_ticket.closed()] == [4401, 4401]

    async def test_end_with_the_meeting(self, address: str, ada: httpx.AsyncClient, session: int, token: str) -> None:
        meeting = (await ada.get(f"/api/sessions/{session}")).json()["meeting_id"]
        async with joined(address, session, token) as participant:
            await participant.next("state")
            await ada.delete(f"/api/meetings/{meeting}")

            assert await participant.closed() == 4404
