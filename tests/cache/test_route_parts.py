"""What a cached route takes from the application and from FastAPI: response classes, handlers, kinds of parameters."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Header, HTTPException, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from mina_api.cache.fastapi import PendingInvalidation, cache_response, cached_endpoints
from tests.cache.conftest import Serving
from tests.cache.routers import a_router
from tests.cache.services import a_cache


def statuses(answers: list[httpx.Response]) -> list[str]:
    return [answer.headers["cache-status"].split("; ")[1].split(";")[0] for answer in answers]


class TestResponseClass:
    async def test_of_the_route_renders_what_is_kept(self, serving: Serving) -> None:
        router = a_router()

        @router.get("/text", response_class=PlainTextResponse)
        @cache_response(ttl=60, shared=True)
        async def get_text() -> str:
            return "plain"

        async with serving(router) as client:
            answers = [await client.get("/text") for _ in range(2)]

        assert [(answer.text, answer.headers["content-type"]) for answer in answers] == [
            ("plain", "text/plain; charset=utf-8")
        ] * 2
        assert statuses(answers) == ["fwd=uri-miss", "hit"]


class TestCachedEndpoints:
    def test_are_those_that_are_marked_by_their_names_in_keys(self) -> None:
        router = a_router()

        @router.get("/cached")
        @cache_response(ttl=7, prefix="analytics", shared=True)
        async def get_cached() -> int:
            return 1

        @router.get("/plain")
        async def get_plain() -> int:
            return 1

        app = FastAPI()
        app.include_router(router, prefix="/api")

        found = cached_endpoints(app)

        assert {name: (caching.ttl, caching.prefix) for name, caching in found.items()} == {
            "test_route_parts.get_cached": (7, "analytics")
        }


class TestNotFound:
    @pytest.mark.parametrize("handled", [404, HTTPException])
    async def test_is_kept_as_the_application_answers_it(self, valkey_url: str, handled: Any) -> None:
        router, calls = a_router(), []

        @router.get("/n")
        @cache_response(ttl=60, shared=True, negative_ttl=30)
        async def get_nothing() -> int:
            calls.append(1)
            raise HTTPException(404)

        async def absent(_: Request, __: Exception) -> Response:
            return JSONResponse({"said": "absent"}, 404)

        app = FastAPI()
        app.include_router(router)
        app.add_exception_handler(handled, absent)
        async with (
            a_cache(valkey_url) as app.state.cache,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
        ):
            answers = [await client.get("/n") for _ in range(2)]

        assert [(answer.status_code, answer.json()) for answer in answers] == [(404, {"said": "absent"})] * 2
        assert (statuses(answers), len(calls)) == (["fwd=uri-miss", "hit"], 1)


class TestParameters:
    async def test_of_a_set_make_one_key_in_any_order(self, serving: Serving) -> None:
        router = a_router()

        @router.get("/sum")
        @cache_response(ttl=60, shared=True)
        async def get_sum(n: Annotated[set[int] | None, Query()] = None) -> int:
            return sum(n or ())

        async with serving(router) as client:
            answers = [await client.get(f"/sum?{query}") for query in ("n=1&n=2", "n=2&n=1&n=1", "n=2&n=3")]

        assert [answer.json() for answer in answers] == [3, 3, 5]
        assert statuses(answers) == ["fwd=uri-miss", "hit", "fwd=uri-miss"]

    async def test_of_a_header_tell_its_absence_from_its_values(self, serving: Serving) -> None:
        router = a_router()

        @router.get("/said")
        @cache_response(ttl=60, shared=True)
        async def get_said(x_word: Annotated[str | None, Header()] = None) -> str:
            return str(x_word)

        words: list[dict[str, str]] = [{}, {"X-Word": "None"}, {"X-Word": ""}, {}]
        async with serving(router) as client:
            answers = [await client.get("/said", headers=each) for each in words]

        assert [answer.json() for answer in answers] == ["None", "None", "", "None"]
        assert statuses(answers) == ["fwd=uri-miss"] * 3 + ["hit"]


class TestPendingInvalidation:
    def test_is_taken_once_in_the_order_of_its_first_adding(self) -> None:
        pending = PendingInvalidation()
        pending.add("b", "a")
        pending.add("b", "c")

        assert (pending.take(), pending.take()) == (("b", "a", "c"), ())

    def test_takes_no_tag_once_the_commit_has_begun(self) -> None:
        """It would be lost without a word."""
        pending = PendingInvalidation()
        pending.take()

        with pytest.raises(RuntimeError, match="the commit has begun"):
            pending.add("late")
