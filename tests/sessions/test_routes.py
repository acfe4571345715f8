import asyncio

import asyncpg
import httpx
from fastapi import FastAPI

from mina_api.cache.testing import FakeClock
from mina_api.sessions import service
from tests.api import SignUp, a_meeting
from tests.sessions.sockets import Participant, a_session, joined, listening, token_of


async def heard(participant: Participant, *texts: str) -> None:
    """Say each text, a second after the other, and wait until all are durable."""
    for seq, text in enumerate(texts, 1):
        await participant.say(seq, text)
    await participant.take("ack", len(texts))


class TestCreateSession:
    async def test_makes_its_meeting_live(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        before = (await ada.get(f"/api/meetings/{meeting}")).json()

        answer = await ada.post("/api/sessions/", json={"meeting_id": meeting})

        after = (await ada.get(f"/api/meetings/{meeting}")).json()
        assert answer.status_code == 201
        assert {name: answer.json()[name] for name in ("meeting_id", "status")} == {
            "meeting_id": meeting,
            "status": "live",
        }
        assert answer.headers["location"] == f"/api/sessions/{answer.json()['id']}"
        assert (before["status"], after["status"]) == ("scheduled", "live")
        assert after["started_at"] == answer.json()["started_at"]

    async def test_is_a_conflict_while_another_is_live_or_the_meeting_is_cancelled(
        self, ada: httpx.AsyncClient
    ) -> None:
        meeting = await a_meeting(ada)
        cancelled = await a_meeting(ada, status="cancelled")
        first = await ada.post("/api/sessions/", json={"meeting_id": meeting})

        second = await ada.post("/api/sessions/", json={"meeting_id": meeting})
        refused = await ada.post("/api/sessions/", json={"meeting_id": cancelled})
        await ada.post(f"/api/sessions/{first.json()['id']}/end")
        third = await ada.post("/api/sessions/", json={"meeting_id": meeting})

        assert [each.status_code for each in (first, second, refused, third)] == [201, 409, 409, 201]

    async def test_of_another_workspace_finds_no_meeting(self, ada: httpx.AsyncClient, sign_up: SignUp) -> None:
        bob = await sign_up("bob@example.com")
        session = await a_session(ada)

        answers = [
            await bob.post("/api/sessions/", json={"meeting_id": await a_meeting(ada)}),
            *[await bob.get(f"/api/sessions/{session}{path}") for path in ("", "/speakers", "/transcription")],
            *[await bob.post(f"/api/sessions/{session}/{path}") for path in ("end", "ticket")],
            await bob.put(f"/api/sessions/{session}/speakers", json={"speakers": []}),
        ]

        assert [each.status_code for each in answers] == [404] * 7


class TestGetSession:
    async def test_is_cached_and_never_older_than_an_acknowledged_segment(
        self, app: FastAPI, ada: httpx.AsyncClient
    ) -> None:
        session = await a_session(ada)
        async with listening(app) as address, joined(address, session, token_of(ada)) as speaker:
            for seq in range(1, 4):
                fresh = await ada.get(f"/api/sessions/{session}")
                again = await ada.get(f"/api/sessions/{session}")
                assert (fresh.json()["segment_count"], again.json()) == (seq - 1, fresh.json())
                assert "stored" in fresh.headers["cache-status"]
                assert "hit" in again.headers["cache-status"]
                await speaker.say(seq)
                await speaker.next("ack")

    async def test_tells_what_was_said_in_the_order_that_it_came(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        session = await a_session(ada)
        async with listening(app) as address, joined(address, session, token_of(ada)) as speaker:
            await heard(speaker, "One.", "Two.")

        transcription = (await ada.get(f"/api/sessions/{session}/transcription")).json()

        assert transcription["session_id"] == session
        assert transcription["segments"] == [
            {"speaker": "Ada", "start": 1.0, "end": 1.5, "text": "One.", "position": 1},
            {"speaker": "Ada", "start": 2.0, "end": 2.5, "text": "Two.", "position": 2},
        ]


class TestEndSession:
    async def test_makes_the_meetings_transcript_and_analytics(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        session = await a_session(ada)
        meeting = (await ada.get(f"/api/sessions/{session}")).json()["meeting_id"]
        async with listening(app) as address, joined(address, session, token_of(ada)) as speaker:
            await speaker.send(type="speaker", label="S1", name="Grace Hopper")
            await speaker.say(1, "Shall we begin?", speaker="S1", start=10.0, end=14.0)
            await speaker.say(2, "Please.", speaker="Ada", start=2.0, end=4.0)
            await speaker.say(3, "Perhaps", final=False)
            await speaker.take("ack", 3)

        answer = await ada.post(f"/api/sessions/{session}/end")

        transcript = (await ada.get(f"/api/meetings/{meeting}/transcript")).json()
        analytics = (await ada.get(f"/api/analytics/meetings/{meeting}")).json()
        ended = (await ada.get(f"/api/meetings/{meeting}")).json()
        assert (answer.status_code, answer.json()["status"]) == (200, "ended")
        assert [(each["speaker"], each["text"]) for each in transcript["segments"]] == [
            ("Ada", "Please."),
            ("Grace Hopper", "Shall we begin?"),
        ]
        assert (analytics["questions"], analytics["speech_time"], analytics["duration_seconds"]) == (1, 6.0, 14.0)
        assert (ended["status"], ended["segment_count"]) == ("completed", 2)
        assert (await ada.get(f"/api/sessions/{session}")).json() == answer.json()

    async def test_of_many_at_once_happens_once(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        session = await a_session(ada)
        async with listening(app) as address, joined(address, session, token_of(ada)) as speaker:
            await heard(speaker, "One.", "Two.")
        made: list[int] = []

        async def count(*_: object, meeting_id: int, **__: object) -> None:
            made.append(meeting_id)

        app.state.transcript_observers = (*app.state.transcript_observers, count)
        answers = await asyncio.gather(*(ada.post(f"/api/sessions/{session}/end") for _ in range(8)))

        assert {each.status_code for each in answers} == {200}
        assert len({each.text for each in answers}) == 1
        assert len(made) == 1

    async def test_that_fails_half_way_can_be_done_again(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        session = await a_session(ada)
        meeting = (await ada.get(f"/api/sessions/{session}")).json()["meeting_id"]
        async with listening(app) as address, joined(address, session, token_of(ada)) as speaker:
            await heard(speaker, "One.")
        observers = app.state.transcript_observers

        async def fail(*_: object, **__: object) -> None:
            raise RuntimeError("half way")

        app.state.transcript_observers = (*observers, fail)
        failed = await ada.post(f"/api/sessions/{session}/end")
        between = (await ada.get(f"/api/sessions/{session}")).json()
        app.state.transcript_observers = observers
        again = await ada.post(f"/api/sessions/{session}/end")

        assert (failed.status_code, between["status"]) == (500, "ending")
        assert (again.status_code, again.json()["status"]) == (200, "ended")
        assert (await ada.get(f"/api/meetings/{meeting}")).json()["segment_count"] == 1

    async def test_in_which_nothing_was_said_leaves_the_transcript_as_it_is(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        segments = {"segments": [{"speaker": "Eve", "start": 0, "end": 1.5, "text": "Hi"}]}
        await ada.put(f"/api/meetings/{meeting}/transcript", json=segments)
        session = (await ada.post("/api/sessions/", json={"meeting_id": meeting})).json()["id"]

        answer = await ada.post(f"/api/sessions/{session}/end")

        assert answer.status_code == 200
        assert len((await ada.get(f"/api/meetings/{meeting}/transcript")).json()["segments"]) == 1

    async def test_lets_no_segment_in_afterwards(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        session = await a_session(ada)
        async with listening(app) as address, joined(address, session, token_of(ada)) as speaker:
            await speaker.next("state")
            await ada.post(f"/api/sessions/{session}/end")

            code = await speaker.closed()

        async with listening(app) as address, joined(address, session, token_of(ada), "?since=0") as late:
            state = await late.next("state")
            assert (await late.closed(), state["status"], code) == (1000, "ended", 1000)


class TestSpeakers:
    async def test_are_those_that_were_put_and_those_that_were_heard(
        self, app: FastAPI, ada: httpx.AsyncClient
    ) -> None:
        session = await a_session(ada)
        path = f"/api/sessions/{session}/speakers"
        profiles = [{"label": "S1", "name": "Grace", "email": "grace@example.com"}, {"label": "S2", "name": "Joan"}]
        put = await ada.put(path, json={"speakers": profiles})
        first = await ada.get(path)
        async with listening(app) as address, joined(address, session, token_of(ada)) as speaker:
            await speaker.say(1, speaker="S3")
            await speaker.next("ack")

        second = await ada.get(path)
        replaced = await ada.put(path, json={"speakers": [{"label": "S2", "name": "Joan Clarke"}]})

        assert put.json() == first.json() == {"speakers": [profiles[0], {**profiles[1], "email": None}]}
        assert [each["label"] for each in second.json()["speakers"]] == ["S1", "S2", "S3"]
        assert [(each["label"], each["name"]) for each in replaced.json()["speakers"]] == [
            ("S2", "Joan Clarke"),
            ("S3", None),
        ]
        assert (await ada.get(path)).json() == replaced.json()

    async def test_of_one_label_twice_are_refused(self, ada: httpx.AsyncClient) -> None:
        session = await a_session(ada)
        twice = [{"label": "S1", "name": "Grace"}, {"label": " S1 ", "name": "Joan"}]

        answer = await ada.put(f"/api/sessions/{session}/speakers", json={"speakers": twice})

        assert answer.status_code == 422


class TestTicket:
    async def test_opens_once_and_for_thirty_seconds(
        self, app: FastAPI, ada: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        session, other = await a_session(ada), await a_session(ada)
        tickets = [(await ada.post(f"/api/sessions/{session}/ticket")).json() for _ in range(3)]
        query = [f"?ticket={each['ticket']}" for each in tickets]
        async with listening(app) as address:
            async with joined(address, session, None, query[0]) as first:
                assert (await first.next("state"))["id"] == session
            async with joined(address, session, None, query[0]) as again:
                assert await again.closed() == 4401
            async with joined(address, other, None, query[1]) as elsewhere:
                assert await elsewhere.closed() == 4401
            clock.advance(30)
            async with joined(address, session, None, query[2]) as late:
                assert await late.closed() == 4401
        assert tickets[0]["expires_in"] == 30

    async def test_is_stored_hashed(self, ada: httpx.AsyncClient, database_url: str) -> None:
        ticket = (await ada.post(f"/api/sessions/{await a_session(ada)}/ticket")).json()["ticket"]

        connection = await asyncpg.connect(database_url)
        stored = await connection.fetchval("SELECT digest FROM live_tickets")
        await connection.close()

        assert stored == service.digest(ticket)
