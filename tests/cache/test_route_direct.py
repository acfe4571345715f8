"""A cached endpoint is served past FastAPI's own handler: what an application sees of that is what it always saw."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import wraps
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response, routing
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from mina_api.cache.fastapi import CachedRoute, cache_response
from mina_api.cache.fastapi.solving import Solver
from tests.cache.routers import Answer, Calls, User, a_counting_router, a_router, as_user, get_user
from tests.cache.services import a_cache


@asynccontextmanager
async def served(app: FastAPI, url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with a_cache(url) as cache:
        app.state.cache = cache
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


class Lost(Exception):
    """What a dependency or an endpoint raises."""


def a_failing_router() -> APIRouter:
    router = a_router()

    async def losing(lose: bool = False) -> None:
        if lose:
            raise Lost

    @router.get("/failing", dependencies=[Depends(losing)])
    @cache_response(ttl=60)
    async def get_failing(user: User, status: Annotated[int, Query(ge=400)] = 404) -> Answer:
        if status == 499:
            raise Lost
        raise HTTPException(status, "not here")

    return router


class TestTheDirectWay:
    async def test_is_taken(self, valkey_url: str, monkeypatch: Any) -> None:
        solved = Calls()
        solve = Solver.solve

        async def counting(self: Solver, request: Request) -> Any:
            result = await solve(self, request)
            solved.count += result is not None
            return result

        monkeypatch.setattr(Solver, "solve", counting)
        app = FastAPI()
        app.include_router(a_counting_router(Calls()), prefix="/v1")
        app.include_router(a_counting_router(Calls()))
        async with served(app, valkey_url) as client:
            for path in ("/v1/n", "/n", "/n?q=1"):
                assert (await client.get(path, headers=as_user("ada"))).status_code == 200

        assert solved.count == 3

    async def test_has_the_applications_exception_handlers(self, valkey_url: str) -> None:
        app = FastAPI()
        app.include_router(a_failing_router())

        @app.exception_handler(HTTPException)
        async def say(request: Request, failure: HTTPException) -> JSONResponse:
            return JSONResponse({"at": request.url.path, "was": failure.detail}, failure.status_code)

        @app.exception_handler(Lost)
        async def say_lost(request: Request, _: Lost) -> JSONResponse:
            return JSONResponse({"lost": request.scope["route"].path}, 410)

        @app.exception_handler(RequestValidationError)
        async def say_invalid(_: Request, failure: RequestValidationError) -> JSONResponse:
            return JSONResponse([each["loc"] for each in failure.errors()], 422)

        async with served(app, valkey_url) as client:
            answers = {
                path: await client.get(path, headers=as_user("ada"))
                for path in ("/failing", "/failing?status=499", "/failing?lose=1", "/failing?status=1&lose=x")
            }
            unknown = await client.get("/failing?status=1")

        assert {path: (each.status_code, each.json()) for path, each in answers.items()} == {
            "/failing": (404, {"at": "/failing", "was": "not here"}),
            "/failing?status=499": (410, {"lost": "/failing"}),
            "/failing?lose=1": (410, {"lost": "/failing"}),
            "/failing?status=1&lose=x": (422, [["query", "lose"], ["query", "status"]]),
        }
        # Who asks is found out before what they ask is looked at, as FastAPI does it.
        assert (unknown.status_code, unknown.json()["was"]) == (401, "Unauthorized")

    async def test_leaves_what_nobody_handles_to_the_server(self, valkey_url: str) -> None:
        app = FastAPI()
        app.include_router(a_failing_router())
        async with served(app, valkey_url) as client:
            assert (await client.get("/failing?lose=1", headers=as_user("ada"))).status_code == 500

    async def test_has_the_dependencies_of_each_inclusion(self, valkey_url: str) -> None:
        async def closed() -> None:
            raise HTTPException(403)

        router = a_counting_router(Calls())
        app = FastAPI()
        app.include_router(router, prefix="/open")
        app.include_router(router, prefix="/closed", dependencies=[Depends(closed)])
        async with served(app, valkey_url) as client:
            statuses = [
                (await client.get(path, headers=as_user("ada"))).status_code
                for path in ("/open/n", "/closed/n", "/open/n", "/closed/n")
            ]

        assert statuses == [200, 403, 200, 403]

    async def test_has_overridden_dependencies(self, valkey_url: str) -> None:
        app = FastAPI()
        app.include_router(a_counting_router(Calls(), shared=True))
        async with served(app, valkey_url) as client:
            before = await client.get("/n")
            app.dependency_overrides[get_user] = lambda: "somebody"
            overridden = await client.get("/n")
            app.dependency_overrides.clear()
            after = await client.get("/n")

        assert [each.status_code for each in (before, overridden, after)] == [401, 200, 401]
        assert overridden.json()["user"] == "somebody"

    async def test_has_the_limit_on_bodies(self, valkey_url: str) -> None:
        app = FastAPI()
        router = a_router()

        @router.get("/n")
        @cache_response(ttl=60)
        async def get_number(user: User) -> Answer:
            return Answer(user=user, number=1)

        app.include_router(router, max_body_size=10)
        async with served(app, valkey_url) as client:
            large = await client.request("GET", "/n", headers=as_user("ada"), content=b"x" * 100)
            small = await client.request("GET", "/n", headers=as_user("ada"), content=b"x")

        assert (large.status_code, small.status_code) == (413, 200)

    async def test_other_methods_are_refused(self, valkey_url: str) -> None:
        app = FastAPI()
        app.include_router(a_counting_router(Calls()))
        async with served(app, valkey_url) as client:
            refused = await client.post("/n", headers=as_user("ada"))

        assert (refused.status_code, refused.headers["allow"]) == (405, "GET")

    async def test_is_not_taken_past_a_handler_of_ones_own(self, valkey_url: str) -> None:
        seen: list[str] = []

        class OwnRoute(CachedRoute):
            def get_route_handler(self) -> Any:
                handler = super().get_route_handler()

                async def handle(request: Request) -> Response:
                    seen.append(request.url.path)
                    return await handler(request)

                return handle

        app = FastAPI()
        router = APIRouter(route_class=OwnRoute)

        @router.get("/n")
        @cache_response(ttl=60)
        async def get_number(user: User) -> Answer:
            return Answer(user=user, number=1)

        app.include_router(router)
        async with served(app, valkey_url) as client:
            assert (await client.get("/n", headers=as_user("ada"))).status_code == 200

        assert seen == ["/n"]

    @pytest.mark.parametrize("step", ["run_endpoint_function", "get_request_handler", "solve_dependencies"])
    async def test_is_not_taken_past_an_instrument(self, step: str, valkey_url: str, monkeypatch: Any) -> None:
        own = getattr(routing, step)
        seen: list[str] = []

        @wraps(own)
        def instrument(*given: Any, **named: Any) -> Any:
            result = own(*given, **named)

            async def noted(*given: Any, **named: Any) -> Any:
                seen.append(step)
                return await (result(*given, **named) if step == "get_request_handler" else result)

            return noted if step == "get_request_handler" else noted()

        monkeypatch.setattr(routing, step, instrument)
        app = FastAPI()
        app.include_router(a_counting_router(Calls()))
        async with served(app, valkey_url) as client:
            assert (await client.get("/n", headers=as_user("ada"))).status_code == 200

        assert seen
