import asyncio

import httpx
import pytest
from sqlalchemy import text

from mina_api.db.session import Database
from tests.api import SignUp, a_meeting

KEY = {"Idempotency-Key": "k-1"}


async def post(client: httpx.AsyncClient, title: str = "Retro", **headers: str) -> httpx.Response:
    return await client.post("/api/meetings/", json={"title": title}, headers={**KEY, **headers})


async def total(client: httpx.AsyncClient) -> int:
    return int((await client.get("/api/meetings/")).json()["total"])


class TestIdempotencyKey:
    async def test_gives_a_repeat_the_same_answer_without_executing_it(self, ada: httpx.AsyncClient) -> None:
        first = await post(ada)
        second = await post(ada)

        assert (second.status_code, second.content) == (201, first.content)
        assert second.headers["location"] == first.headers["location"]
        assert second.headers["etag"] == first.headers["etag"]
        assert second.headers["idempotency-replayed"] == "true"
        assert await total(ada) == 1

    async def test_executes_once_for_repeats_at_the_same_moment(self, ada: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(*(post(ada) for _ in range(5)))

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert await total(ada) == 1

    async def test_with_another_body_or_path_is_refused(self, ada: httpx.AsyncClient) -> None:
        meeting = (await post(ada)).json()["id"]

        other_body = await post(ada, "Another")
        other_path = await ada.post(f"/api/meetings/{meeting}/tasks/", json={"title": "Retro"}, headers=KEY)

        assert (other_body.status_code, other_path.status_code) == (422, 422)
        assert await total(ada) == 1

    async def test_belongs_to_its_user(self, sign_up: SignUp) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")

        answers = [await post(ada), await post(bob)]

        assert answers[0].json()["id"] != answers[1].json()["id"]
        assert "idempotency-replayed" not in answers[1].headers

    async def test_is_free_again_after_a_failure(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        path = f"/api/meetings/{meeting}/tasks/"
        failed = await ada.post("/api/meetings/999999/tasks/", json={"title": "x"}, headers=KEY)

        after = await ada.post(path, json={"title": "x"}, headers=KEY)

        assert (failed.status_code, after.status_code) == (404, 201)

    async def test_is_forgotten_after_a_day(self, ada: httpx.AsyncClient, database: Database) -> None:
        await post(ada)
        async with database.write() as session:
            await session.execute(text("UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'"))

        again = await post(ada, "Another")

        assert again.status_code == 201
        assert await total(ada) == 2

    @pytest.mark.parametrize("key", ["", "with space", "x" * 256])
    async def test_is_refused_where_malformed(self, ada: httpx.AsyncClient, key: str) -> None:
        answer = await post(ada, **{"Idempotency-Key": key})

        assert answer.status_code == 422
        assert await total(ada) == 0
