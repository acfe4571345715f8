"""How many queries an answer about a session takes: as many for fifty segments as for one, and none on a hit."""

import httpx
import pytest
from fastapi import FastAPI

from tests.api import counted_queries
from tests.sessions.sockets import a_session, eventually, joined, listening, token_of

PATHS = {
    "/api/sessions/{id}": 2,
    "/api/sessions/{id}/speakers": 2,
    "/api/sessions/{id}/transcription": 3,
}


class TestQueryCounts:
    @pytest.mark.parametrize("path", PATHS)
    async def test_do_not_grow_with_the_session(self, app: FastAPI, ada: httpx.AsyncClient, path: str) -> None:
        session = await a_session(ada)

        async def say(numbers: range) -> None:
            async with listening(app) as address, joined(address, session, token_of(ada)) as participant:
                for number in numbers:
                    await participant.say(number, f"Number {number}", speaker=f"Speaker {number % 7}")
                    await participant.next("ack")
            await eventually(lambda: session not in app.state.live.rooms._rooms)

        await say(range(1, 2))
        with counted_queries(app) as few:
            assert (await ada.get(path.format(id=session))).status_code == 200
        await say(range(2, 52))
        with counted_queries(app) as many:
            cold = await ada.get(path.format(id=session))
        with counted_queries(app) as none:
            warm = await ada.get(path.format(id=session))

        assert [len(few), len(many), len(none)] == [PATHS[path]] * 2 + [0], (few, many, none)
        assert warm.content == cold.content
        assert ("fwd=uri-miss" in cold.headers["cache-status"], "hit" in warm.headers["cache-status"]) == (True, True)
