"""A worker that is asked to end while it has much to do: it ends when that is done."""

import asyncio
import signal
from collections import Counter

import asyncpg
import httpx

from tests.measured import Measured
from tests.sessions.sockets import a_session, joined, token_of
from tests.system.serving import DEADLINE_SECONDS, Serve
from tests.system.test_live import address_of, sign_in

EACH = 6
UNTIL_SO_MANY_WAIT = f"""
    DO $$ BEGIN WHILE (SELECT count(*) FROM pg_locks WHERE relation = 'meetings'::regclass AND NOT granted) < {2 * EACH}
    LOOP PERFORM pg_sleep(0.01); END LOOP; END $$
"""


class TestSigterm:
    async def test_loses_no_request_and_closes_sockets_as_restarting(
        self, serve: Serve, database_url: str, measured: Measured
    ) -> None:
        server = serve()
        console = await asyncpg.connect(database_url, command_timeout=DEADLINE_SECONDS)
        async with httpx.AsyncClient(timeout=DEADLINE_SECONDS) as client:
            await sign_in(client, server)
            session = await a_session(client)
            async with joined(address_of(server), session, token_of(client)) as participant:
                await console.execute("BEGIN; LOCK TABLE meetings IN ACCESS EXCLUSIVE MODE")
                asking = [asyncio.create_task(client.get(f"/api/meetings?per_page={n + 1}")) for n in range(EACH)]
                asking += [
                    asyncio.create_task(client.post("/api/meetings", json={"title": f"Kept {number}"}))
                    for number in range(EACH)
                ]
                await console.execute(UNTIL_SO_MANY_WAIT)

                server.process.send_signal(signal.SIGTERM)
                code = await participant.closed()
                await is_refused(server.url)
                await console.execute("COMMIT")
                answers = await asyncio.gather(*asking)
        with measured.timed("ended, after its last request, in"):
            ended = await asyncio.to_thread(server.process.wait, DEADLINE_SECONDS)
        kept = await console.fetchval("SELECT count(*) FROM meetings WHERE title LIKE 'Kept %'")
        await console.close()

        assert Counter(answer.status_code for answer in answers) == {200: EACH, 201: EACH}
        assert (code, ended) in ((1012, 0), (1012, -signal.SIGTERM))
        assert kept == EACH


async def is_refused(url: str) -> None:
    """Returns once nobody listens there any more."""
    async with asyncio.timeout(DEADLINE_SECONDS), httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(f"{url}/ops/health/live")
            except httpx.TransportError:
                return
            await asyncio.sleep(0.01)
