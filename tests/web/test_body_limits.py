from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import Body, FastAPI, Request

from mina_api.web import problems
from mina_api.web.body_limits import LimitBodies, allow_body
from tests.api import a_client

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.add_middleware(LimitBodies, max_bytes=1000)
    problems.install(app)

    @app.post("/model")
    async def model(body: dict[str, Any] = Body()) -> int:
        return len(body["text"])

    @app.post("/stream")
    async def stream(request: Request) -> int:
        allow_body(request, 2000)
        return sum([len(chunk) async for chunk in request.stream()])

    @app.post("/nothing")
    async def nothing() -> int:
        return 0

    async with a_client(app) as client:
        yield client


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 100


class TestLimitBodies:
    async def test_lets_a_body_of_its_size_through(self, client: httpx.AsyncClient) -> None:
        body = b'{"text": "%s"}' % (b"x" * 988)

        answer = await client.post("/model", content=body, headers=JSON)

        assert (len(body), answer.status_code, answer.json()) == (1000, 200, 988)

    async def test_answers_a_larger_one_with_a_problem(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/model", json={"text": "x" * 1000})

        assert answer.status_code == 413
        assert answer.headers["Content-Type"] == problems.MEDIA_TYPE

    async def test_stops_reading_one_that_is_not_announced(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/model", content=pieces(11), headers=JSON)).status_code == 413

    async def test_gives_an_endpoint_that_asks_more(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/stream", content=pieces(20))).json() == 2000
        assert (await client.post("/stream", content=pieces(21))).status_code == 413

    async def test_says_nothing_where_nobody_reads(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/nothing", content=b"x" * 5000)).status_code == 200
