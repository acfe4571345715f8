"""What of a request makes another key, seen from outside."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Query
from pydantic import BaseModel, Json, SecretStr

from mina_api.cache.fastapi import Invalidation, cache_response
from mina_api.cache.tags import user_tag
from tests.cache.conftest import Serving
from tests.cache.routers import Calls, User, a_counting_router, a_router, as_user
from tests.cache.services import a_cache


async def number(client: httpx.AsyncClient, target: str, **headers: str) -> int:
    answer = await client.get(target, headers=as_user("ada", **headers))
    assert answer.status_code == 200
    return int(answer.text)


class TestKeys:
    @pytest.mark.parametrize("typed", [Annotated[SecretStr, Query(alias="v")], Annotated[SecretStr, Header(alias="v")]])
    async def test_tell_apart_what_hides_itself(self, serving: Serving, typed: Any) -> None:
        router, calls = a_router(), Calls()

        @router.get("/n")
        @cache_response(ttl=60, shared=True)
        async def get_number(user: User, secret: typed) -> int:
            return calls.next()

        async with serving(router) as client:
            numbers = [await number(client, f"/n?v={value}", v=value) for value in ("one", "two", "one")]

        assert numbers == [1, 2, 1]

    async def test_tell_apart_what_json_tells_apart(self, serving: Serving) -> None:
        router, calls = a_router(), Calls()

        @router.get("/n")
        @cache_response(ttl=60, shared=True)
        async def get_number(user: User, q: Annotated[Json[Any], Query()]) -> int:
            return calls.next()

        distinct = ["1", '"1"', "[1]", '["1"]', '{"a":{"b":1}}', '{"a.b":1}', '{"a":null}', "{}", "true", '"true"']
        async with serving(router) as client:
            numbers = [await number(client, f"/n?q={value}") for value in distinct]
            spaced = await number(client, '/n?q={ "a" : {"b": 1} }')

        assert numbers == list(range(1, len(distinct) + 1))
        assert spaced == numbers[distinct.index('{"a":{"b":1}}')]

    async def test_tell_apart_what_one_of_two_declarations_tells_apart(self, serving: Serving) -> None:
        """A dependency sees a number where the endpoint sees how it is written."""
        router = a_router()

        def get_number(q: int) -> int:
            return q

        @router.get("/n")
        @cache_response(ttl=60, shared=True)
        async def get_text(user: User, number: Annotated[int, Depends(get_number)], q: str) -> str:
            return f"{q} is {number}"

        async with serving(router) as client:
            found = [(await client.get(f"/n?q={q}", headers=as_user("ada"))).json() for q in ("1", "01")]

        assert found == ["1 is 1", "01 is 1"]

    async def test_tell_apart_endpoints_of_one_name(self, serving: Serving) -> None:
        def listing(kind: str) -> APIRouter:
            router = a_router()

            @router.get(f"/{kind}")
            @cache_response(ttl=60, shared=True)
            async def list_items(user: User) -> str:
                return kind

            return router

        router = a_router()
        for kind in ("chairs", "tables"):
            router.include_router(listing(kind))
        async with serving(router) as client:
            found = [(await client.get(f"/{kind}", headers=as_user("ada"))).json() for kind in ("chairs", "tables")]

        assert found == ["chairs", "tables"]

    async def test_hold_neither_host_nor_order_nor_what_nobody_asked_for(self, serving: Serving) -> None:
        router, calls = a_router(), Calls()

        @router.get("/n")
        @cache_response(ttl=60, shared=True)
        async def get_number(user: User, a: int = 1, b: str = "x") -> int:
            return calls.next()

        async with serving(router) as client:
            for target in ("/n", "/n?a=1&b=x", "/n?b=x&a=1", "/n?utm_source=mail&a=01", "/n?%61=1"):
                assert await number(client, target) == 1
                assert await number(client, target, host="other.example") == 1

    async def test_tell_unicode_forms_blank_and_absent_apart(self, serving: Serving) -> None:
        router, calls = a_router(), Calls()

        @router.get("/n")
        @cache_response(ttl=60, shared=True)
        async def get_number(user: User, q: str | None = None) -> int:
            return calls.next()

        async with serving(router) as client:
            numbers = [await number(client, f"/n{query}") for query in ("", "?q=", "?q=%C3%A9", "?q=e%CC%81", "?q=é")]

        assert numbers == [1, 2, 3, 4, 3]


class TestKeyFunc:
    async def test_gives_those_whom_it_does_not_tell_apart_one_entry(self, serving: Serving) -> None:
        router, calls = a_router(), Calls()

        @router.get("/n")
        @cache_response(
            ttl=60,
            vary_on_user=False,
            key_func=lambda context: str(context.params["q"] > 10),
            vary={"year": lambda context: str(context.now.year)},
        )
        async def get_number(user: User, q: int) -> int:
            return calls.next()

        @router.post("/user/{name}")
        async def forget_user(name: str, invalidation: Invalidation) -> None:
            invalidation.add(user_tag(name))

        async with serving(router) as client:
            numbers = [
                int((await client.get(f"/n?q={q}", headers=as_user(name))).text)
                for name, q in (("ada", 1), ("bob", 2), ("ada", 11), ("bob", 12))
            ]
            await client.post("/user/ada")
            after = int((await client.get("/n?q=1", headers=as_user("ada"))).text)

        assert (numbers, after) == ([1, 1, 2, 2], 1)


class Before(BaseModel):
    name: str


class After(BaseModel):
    name: str
    seats: int


class TestDeployment:
    @staticmethod
    async def deploy(url: str, model: type[BaseModel], **options: Any) -> list[tuple[dict[str, Any], str]]:
        """Two answers of a release whose endpoint answers `model`, and where they came from."""
        router = a_router()

        @router.get("/room", response_model=model, **options)
        @cache_response(ttl=60, shared=True)
        async def get_room() -> dict[str, Any]:
            return {"name": "blue", "seats": 7}

        app = FastAPI()
        app.include_router(router)
        async with a_cache(url) as app.state.cache:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                answers = [await client.get("/room") for _ in range(2)]
        return [(each.json(), each.headers["cache-status"].split(";")[1].strip()) for each in answers]

    async def test_of_another_response_model_finds_misses_and_no_errors(self, valkey_url: str) -> None:
        before = await self.deploy(valkey_url, Before)
        again = await self.deploy(valkey_url, Before)
        after = await self.deploy(valkey_url, After)
        rendered = await self.deploy(valkey_url, After, response_model_exclude={"name"})

        assert before == [({"name": "blue"}, "fwd=uri-miss"), ({"name": "blue"}, "hit")]
        assert again == [({"name": "blue"}, "hit")] * 2
        assert after == [({"name": "blue", "seats": 7}, "fwd=uri-miss"), ({"name": "blue", "seats": 7}, "hit")]
        assert rendered == [({"seats": 7}, "fwd=uri-miss"), ({"seats": 7}, "hit")]

    async def test_knows_a_response_model_with_something_unhashable_in_it(self, serving: Serving) -> None:
        router = a_router()

        @router.get("/n", response_model=Annotated[Before, ["not hashable"]])
        @cache_response(ttl=60)
        async def get_number(user: User) -> Before:
            return Before(name="n")

        async with serving(router) as client:
            answers = [await client.get("/n", headers=as_user("ada")) for _ in range(2)]

        assert [each.headers["cache-status"].split(";")[1] for each in answers] == [" fwd=uri-miss", " hit"]

    async def test_takes_the_configuration_of_the_application_not_of_the_first_request(self, valkey_url: str) -> None:
        router = a_counting_router(Calls(), prefix="analytics")
        router_default = a_router()

        @router_default.get("/default")
        @cache_response(prefix="analytics", shared=True)
        async def get_default(user: User) -> int:
            return 1

        found = []
        for ttl in (111, 222):
            app = FastAPI()
            app.include_router(router)
            app.include_router(router_default)
            async with a_cache(valkey_url, analytics_ttl=ttl) as app.state.cache:
                transport = httpx.ASGITransport(app)
                async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                    await app.state.cache.clear_prefix("analytics")
                    found.append((await client.get("/default", headers=as_user("ada"))).headers["cache-status"])

        assert found == [f"mina; fwd=uri-miss; stored; ttl={ttl}" for ttl in (111, 222)]
