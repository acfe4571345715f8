from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from mina_api.cache.fastapi import Invalidation, cache_response
from mina_api.cache.testing import FakeClock
from tests.cache.conftest import Serving
from tests.cache.routers import Calls, User, a_router, as_user

ADA = as_user("ada")


class Absent(Exception):
    """What the application answers with 404."""


async def not_found(_: Request, __: Exception) -> Response:
    return JSONResponse({"detail": "absent"}, 404)


def a_failing_router(calls: Calls, failures: list[Exception | None], **caching: Any) -> APIRouter:
    """`/n` raises what comes next in `failures`, or answers."""
    router = a_router()

    @router.get("/n")
    @cache_response(ttl=60, tags=["n"], **caching)
    async def get_number(user: User) -> int:
        number = calls.next()
        if failure := failures.pop(0) if failures else None:
            raise failure
        return number

    @router.post("/n")
    async def put_number(invalidation: Invalidation) -> None:
        invalidation.add("n")

    return router


def outcome(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("cache-status", "").split(";")[1].strip()


class TestNegativeTtl:
    @pytest.mark.parametrize("failure", [HTTPException(404, "absent"), Absent()])
    async def test_keeps_a_404_for_so_long_and_until_a_write(
        self, serving: Serving, clock: FakeClock, failure: Exception
    ) -> None:
        calls = Calls()
        router = a_failing_router(calls, [failure] * 3, negative_ttl=5)
        async with serving(router, clock=clock) as client:
            handle_absence(client)
            answers = [await client.get("/n", headers=ADA) for _ in range(2)]
            clock.advance(6)
            answers.append(await client.get("/n", headers=ADA))
            await client.post("/n")
            answers.append(await client.get("/n", headers=ADA))
            answers.append(await client.get("/n", headers=ADA))
            clock.advance(6)
            answers.append(await client.get("/n", headers=ADA))

        stored, hit = (404, "fwd=uri-miss"), (404, "hit")
        assert [outcome(answer) for answer in answers[:2]] == [stored, hit]
        assert [answer.status_code for answer in answers] == [404, 404, 404, 404, 404, 200]
        assert (calls.count, answers[1].json(), answers[1].headers["age"]) == (4, {"detail": "absent"}, "0")
        assert "etag" not in answers[1].headers

    async def test_is_not_for_other_errors_and_not_by_default(self, serving: Serving) -> None:
        calls = Calls()
        failures: list[Exception | None] = [HTTPException(403), HTTPException(404), None]
        async with serving(a_failing_router(calls, failures[:1], negative_ttl=5)) as client:
            refused = [(await client.get("/n", headers=ADA)).status_code for _ in range(2)]
        async with serving(a_failing_router(calls, failures[1:])) as client:
            absent = [(await client.get("/n", headers=as_user("bob"))).status_code for _ in range(2)]

        assert (refused, absent) == ([403, 200], [404, 200])


class TestStaleIfError:
    @pytest.mark.parametrize("failure", [HTTPException(503), RuntimeError("a mistake")])
    async def test_answers_a_failure_of_ours_with_the_last_answer(
        self, serving: Serving, clock: FakeClock, failure: Exception
    ) -> None:
        router = a_failing_router(Calls(), [None, failure], stale_if_error=60)
        async with serving(router, clock=clock) as client:
            await client.get("/n", headers=ADA)
            clock.advance(90)
            stale = await client.get("/n", headers=ADA)

        assert (stale.status_code, stale.json()) == (200, 1)
        assert stale.headers["cache-status"] == "mina; hit; ttl=-30; detail=stale-if-error"
        assert stale.headers["age"] == "90"

    async def test_lets_an_answer_that_is_an_error_through(self, serving: Serving, clock: FakeClock) -> None:
        router = a_failing_router(Calls(), [None, HTTPException(404), Absent()], stale_if_error=60)
        async with serving(router, clock=clock) as client:
            handle_absence(client)
            await client.get("/n", headers=ADA)
            clock.advance(90)

            assert [(await client.get("/n", headers=ADA)).status_code for _ in range(2)] == [404, 404]


class TestStaleWhileRevalidate:
    async def test_answers_at_once_and_loads_after_the_answer(self, serving: Serving, clock: FakeClock) -> None:
        calls = Calls()
        async with serving(a_failing_router(calls, [], stale_while_revalidate=60), clock=clock) as client:
            await client.get("/n", headers=ADA)
            clock.advance(90)
            stale = await client.get("/n", headers=ADA)
            cache = app_of(client).state.cache
            while cache.loads_in_flight:
                await cache.health()
            fresh = await client.get("/n", headers=ADA)

        assert (stale.json(), stale.headers["cache-status"]) == (1, "mina; hit; ttl=-30; detail=l2")
        assert (fresh.json(), fresh.headers["cache-status"]) == (2, "mina; hit; ttl=60; detail=l2")


def app_of(client: httpx.AsyncClient) -> FastAPI:
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    assert isinstance(transport.app, FastAPI)
    return transport.app


def handle_absence(client: httpx.AsyncClient) -> None:
    app_of(client).add_exception_handler(Absent, not_found)
