"""Live sessions over processes of their own: killed, drained, and ended by whoever is left."""

import asyncio
import signal
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.api import PASSWORD
from tests.measured import Measured
from tests.sessions.sockets import a_session, joined, token_of
from tests.system.serving import Serve, Serving
from tests.system.test_crashes import UNTIL_ONE_WAITS, WAIT

DEADLINE_SECONDS = 60
# How much a speaker says without waiting for an acknowledgement.
AHEAD = 30
UNTIL_IT_HAS_ENDED = """
    DO $$ BEGIN WHILE EXISTS (SELECT FROM live_sessions WHERE status <> 'ended')
    LOOP PERFORM pg_sleep(0.01); COMMIT; END LOOP; END $$
"""


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A client that is nobody yet."""
    async with httpx.AsyncClient(timeout=DEADLINE_SECONDS) as client:
        yield client


async def sign_in(client: httpx.AsyncClient, server: Serving, email: str = "ada@example.com") -> None:
    """Register at a server, and ask it from now on."""
    client.base_url = httpx.URL(server.url)
    account = {"email": email, "name": "Ada", "password": PASSWORD}
    answer = await client.post("/api/auth/register", json=account)
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def address_of(server: Serving) -> str:
    return server.url.removeprefix("http://")


class Speaker:
    """A client that says numbered things, and says again over a new connection what was not acknowledged."""

    def __init__(self, session: int, token: str) -> None:
        self._session = session
        self._token = token
        self.said = 0
        self.acknowledged: set[int] = set()

    async def speak(self, server: Serving, until: int) -> None:
        """Speak to a server until so much is acknowledged; raises ConnectionClosed or OSError where it dies."""
        async with joined(address_of(server), self._session, self._token) as participant:
            for seq in sorted(set(range(1, self.said + 1)) - self.acknowledged):
                await participant.say(seq, f"Number {seq}")
            while len(self.acknowledged) < until:
                for _ in range(min(until - self.said, AHEAD - (self.said - len(self.acknowledged)))):
                    self.said += 1
                    await participant.say(self.said, f"Number {self.said}")
                self.acknowledged.add((await participant.next("ack"))["seq"])


async def listen(server: Serving, session: int, token: str, last: int) -> list[int]:
    """The positions that a listener gets, from the first to the last."""
    positions: list[int] = []
    async with joined(address_of(server), session, token, "?since=0") as participant:
        positions += [each["position"] for each in (await participant.next("state"))["segments"]]
        while not positions or positions[-1] < last:
            positions.append((await participant.next("segment"))["position"])
    return positions


class TestAKilledWorker:
    async def test_loses_no_acknowledged_segment_and_its_session_goes_on_elsewhere(
        self, serve: Serve, http: httpx.AsyncClient, database_url: str, measured: Measured
    ) -> None:
        doomed, other = serve(), serve()
        await sign_in(http, doomed)
        session, token = await a_session(http), token_of(http)
        listening = asyncio.create_task(listen(other, session, token, 200))
        speaker = Speaker(session, token)
        speaking = asyncio.create_task(speaker.speak(doomed, 100_000))
        while len(speaker.acknowledged) < 50:  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.01)
        doomed.process.kill()
        with pytest.raises((ConnectionClosed, OSError)):
            await speaking
        before = set(speaker.acknowledged)

        last = max(200, speaker.said)
        with measured.timed("said again from the first, and acknowledged, in"):
            await speaker.speak(other, last)
        positions = await listening
        http.base_url = httpx.URL(other.url)
        ended = await http.post(f"/api/sessions/{session}/end")

        connection = await asyncpg.connect(database_url)
        stored = [row[0] for row in await connection.fetch("SELECT seq FROM live_segments ORDER BY position")]
        transcript = await connection.fetchval("SELECT count(*) FROM segments")
        await connection.close()
        assert before <= set(stored)
        assert sorted(stored) == list(range(1, last + 1))
        assert positions[:200] == list(range(1, 201))
        assert (ended.json()["status"], transcript) == ("ended", last)

    async def test_leaves_an_end_half_done_to_the_sweeper_of_another(
        self, serve: Serve, http: httpx.AsyncClient, database_url: str
    ) -> None:
        doomed = serve()
        await sign_in(http, doomed)
        session, token = await a_session(http), token_of(http)
        await Speaker(session, token).speak(doomed, 10)
        connection = await asyncpg.connect(database_url)
        await connection.execute("SELECT pg_advisory_lock(1)")
        await connection.execute(WAIT)
        await connection.execute("CREATE TRIGGER wait BEFORE INSERT ON segments FOR EACH ROW EXECUTE FUNCTION wait()")
        ending = asyncio.create_task(http.post(f"/api/sessions/{session}/end"))
        await connection.execute(UNTIL_ONE_WAITS)
        doomed.process.kill()
        with pytest.raises(httpx.TransportError):
            await ending
        await connection.execute("SELECT pg_advisory_unlock(1)")
        status = await connection.fetchval("SELECT status FROM live_sessions")
        await connection.execute("UPDATE live_sessions SET active_at = now() - interval '1 hour'")

        other = serve(MINA_LIVE_SWEEP_SECONDS="0.1")
        await connection.execute(UNTIL_IT_HAS_ENDED, timeout=DEADLINE_SECONDS)

        assert status == "ending"
        assert await connection.fetchval("SELECT count(*) FROM segments") == 10
        assert await connection.fetchval("SELECT status FROM meetings") == "completed"
        await connection.close()
        await is_drained(other, http)


async def is_drained(server: Serving, client: httpx.AsyncClient) -> None:
    """End a server gently while somebody speaks: they are told to come back, and what is acknowledged is kept."""
    client.base_url = httpx.URL(server.url)
    session, token = await a_session(client), token_of(client)
    async with joined(address_of(server), session, token) as participant:
        for seq in range(1, 21):
            await participant.say(seq)
        await participant.next("ack")
        server.process.send_signal(signal.SIGTERM)

        code = await participant.closed()

    assert code == 1012
    assert await asyncio.to_thread(server.process.wait, DEADLINE_SECONDS) in (0, -signal.SIGTERM)
