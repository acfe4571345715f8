"""How many queries an answer takes: as many for a hundred meetings as for one, and none on a hit."""

import httpx
import pytest
from fastapi import FastAPI

from mina_api.transcripts import contract
from tests.api import a_meeting, counted_queries

PATHS = {
    "/api/meetings/": 2,
    "/api/meetings/?q=begin&sort=title&per_page=100": 2,
    "/api/meetings/{id}": 1,
    "/api/meetings/{id}/transcript": 2,
    "/api/meetings/{id}/tasks/": 3,
    "/api/analytics/meetings/{id}": 3,
    "/api/analytics/dashboard?days=365": 4,
    "/api/analytics/overview?days=365": 4,
    "/api/analytics/engagement?days=365": 3,
}


async def fill(client: httpx.AsyncClient, meeting: int, tasks: int) -> None:
    """Give a meeting a transcript and tasks."""
    await client.put(f"/api/meetings/{meeting}/transcript", json=contract.MINA)
    for number in range(tasks):
        await client.post(f"/api/meetings/{meeting}/tasks/", json={"title": f"Task {number}"})


class TestQueryCounts:
    @pytest.mark.parametrize("path", PATHS)
    async def test_do_not_grow_with_the_data(self, ada: httpx.AsyncClient, app: FastAPI, path: str) -> None:
        meeting = await a_meeting(ada)
        path = path.format(id=meeting)
        await fill(ada, meeting, 1)
        with counted_queries(app) as few:
            assert (await ada.get(path)).status_code == 200
        for _ in range(12):
            await fill(ada, await a_meeting(ada), 1)
        await fill(ada, meeting, 12)

        with counted_queries(app) as many:
            cold = await ada.get(path)
        with counted_queries(app) as none:
            warm = await ada.get(path)

        assert [len(few), len(many), len(none)] == [PATHS[path.replace(f"/{meeting}", "/{id}")]] * 2 + [0]
        assert warm.content == cold.content
        assert ("fwd=uri-miss" in cold.headers["cache-status"], "hit" in warm.headers["cache-status"]) == (True, True)
