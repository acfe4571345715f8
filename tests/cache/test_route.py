import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, Header, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel

from mina_api.cache.compression import decompress
from mina_api.cache.fastapi import (
    CachedRoute,
    Identity,
    Invalidation,
    cache_of,
    cache_response,
    identify,
    invalidate_cache,
)
from mina_api.cache.fastapi.documentation import HEADERS
from mina_api.cache.fastapi.plan import UnsafeCaching
from mina_api.cache.policy import CachePolicy
from mina_api.cache.tags import user_tag
from mina_api.dev.valkey import PrivateValkey
from tests.cache.conftest import Serving
from tests.cache.services import available

bearer = OAuth2PasswordBearer("/token", auto_error=False)


def get_user(request: Request, token: Annotated[str | None, Depends(bearer)]) -> str:
    """The token is the user's name; `anonymous` is let in without an identity."""
    if token is None:
        raise HTTPException(401)
    if token != "anonymous":
        identify(request, Identity(token, "ws:1"))
    return token


User = Annotated[str, Depends(get_user)]


def a_router() -> APIRouter:
    return APIRouter(route_class=CachedRoute)


def as_user(name: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}", **headers}


class Answer(BaseModel):
    user: str
    number: int


class Calls:
    """Counts the endpoint's calls."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> int:
        self.count += 1
        return self.count


def a_counting_router(calls: Calls, **caching: Any) -> APIRouter:
    router = a_router()

    @router.get("/n")
    @cache_response(ttl=60, **caching)
    async def get_number(user: User, q: Annotated[list[int] | None, Query()] = None) -> Answer:
        return Answer(user=user, number=calls.next())

    return router


class TestCacheResponse:
    async def test_stores_the_final_bytes_after_the_response_model(self, serving: Serving) -> None:
        router = a_router()

        @router.get("/secretive", response_model=Answer)
        @cache_response(ttl=60)
        async def get_secretive(user: User) -> dict[str, object]:
            return {"user": user, "number": "7", "secret": "hidden"}

        async with serving(router) as client:
            answers = [await client.get("/secretive", headers=as_user("ada")) for _ in range(2)]

        assert [answer.json() for answer in answers] == [{"user": "ada", "number": 7}] * 2
        assert [answer.headers["cache-status"].split(";")[1].strip() for answer in answers] == ["fwd=uri-miss", "hit"]

    async def test_gives_each_user_an_entry_of_their_own(self, serving: Serving) -> None:
        async with serving(a_counting_router(Calls())) as client:
            ada = (await client.get("/n", headers=as_user("ada"))).json()
            bob = (await client.get("/n", headers=as_user("bob"))).json()

        assert (ada, bob) == ({"user": "ada", "number": 1}, {"user": "bob", "number": 2})

    async def test_lets_nobody_in_before_authentication(self, serving: Serving) -> None:
        async with serving(a_counting_router(Calls(), shared=True)) as client:
            etag = (await client.get("/n", headers=as_user("ada"))).headers["etag"]

            answers = [await client.get("/n"), await client.get("/n", headers={"If-None-Match": etag})]

        assert [answer.status_code for answer in answers] == [401, 401]

    async def test_does_not_cache_who_came_in_without_an_identity(self, serving: Serving) -> None:
        calls = Calls()
        async with serving(a_counting_router(calls)) as client:
            answers = [await client.get("/n", headers=as_user("anonymous")) for _ in range(2)]

        assert [answer.headers["cache-status"] for answer in answers] == ["mina; fwd=bypass"] * 2
        assert calls.count == 2

    async def test_validates_before_it_looks_up_and_keys_what_was_validated(self, serving: Serving) -> None:
        calls = Calls()
        async with serving(a_counting_router(calls)) as client:
            await client.get("/n?q=1&q=2", headers=as_user("ada"))
            same = await client.get("/n?q=01&other=x&q=+2", headers=as_user("ada"))
            swapped = await client.get("/n?q=2&q=1", headers=as_user("ada"))
            wrong = await client.get("/n?q=x", headers=as_user("ada"))

        assert same.headers["cache-status"].startswith("mina; hit")
        assert swapped.headers["cache-status"].startswith("mina; fwd=uri-miss")
        assert wrong.status_code == 422
        assert calls.count == 2

    async def test_answers_304_to_who_has_it_already(self, serving: Serving) -> None:
        async with serving(a_counting_router(Calls())) as client:
            first = await client.get("/n", headers=as_user("ada"))
            etag = first.headers["etag"]

            second = await client.get("/n", headers=as_user("ada", **{"If-None-Match": f'"x", W/{etag}'}))

        assert (second.status_code, second.content) == (304, b"")
        assert second.headers["cache-status"].startswith("mina; hit")
        assert "content-type" not in second.headers

    async def test_reloads_stores_nothing_or_answers_504_as_the_request_demands(self, serving: Serving) -> None:
        async with serving(a_counting_router(Calls())) as client:

            async def get(directive: str) -> tuple[int, str]:
                answer = await client.get("/n", headers=as_user("ada", **{"Cache-Control": directive}))
                return answer.status_code, answer.headers.get("cache-status", "")

            absent = await get("only-if-cached")
            unstored = await get("no-store")
            stored = await get("max-age=60")
            reloaded = await get("no-cache")
            present = await get("only-if-cached")

        assert absent[0] == 504
        assert unstored == (200, "mina; fwd=bypass")
        assert stored == (200, "mina; fwd=uri-miss; stored; ttl=60")
        assert reloaded == (200, "mina; fwd=request; stored; ttl=60")
        assert present[1].startswith("mina; hit")

    async def test_loads_once_for_many(self, serving: Serving) -> None:
        router, started, go, calls = a_router(), asyncio.Event(), asyncio.Event(), Calls()

        @router.get("/slow")
        @cache_response(ttl=60)
        async def get_slow(user: User) -> Answer:
            number = calls.next()
            started.set()
            await go.wait()
            return Answer(user=user, number=number)

        async with serving(router) as client:
            asking = [asyncio.create_task(client.get("/slow", headers=as_user("ada"))) for _ in range(50)]
            await started.wait()
            go.set()
            answers = await asyncio.gather(*asking)

        assert {answer.json()["number"] for answer in answers} == {1}
        assert sum("fwd=uri-miss; stored" in answer.headers["cache-status"] for answer in answers) == 1

    async def test_stores_no_error_no_cookie_no_stream_and_nothing_marked_no_store(self, serving: Serving) -> None:
        router, calls = a_router(), Calls()

        @router.get("/missing")
        @cache_response(ttl=60)
        async def get_missing(user: User) -> Answer:
            calls.next()
            raise HTTPException(404, "no such thing")

        @router.get("/cookie")
        @cache_response(ttl=60)
        async def get_cookie(user: User, response: Response) -> Answer:
            response.set_cookie("session", str(calls.next()))
            return Answer(user=user, number=0)

        @router.get("/stream")
        @cache_response(ttl=60)
        async def get_stream(user: User) -> StreamingResponse:
            return StreamingResponse(iter([b"a", str(calls.next()).encode()]))

        @router.get("/unstored")
        @cache_response(ttl=60)
        async def get_unstored(user: User, response: Response) -> Answer:
            response.headers["Cache-Control"] = "no-store"
            return Answer(user=user, number=calls.next())

        @router.get("/accepted")
        @cache_response(ttl=60)
        async def get_accepted(user: User, response: Response) -> Answer:
            response.status_code = 202
            return Answer(user=user, number=calls.next())

        async with serving(router) as client:
            for path in ("/missing", "/cookie", "/stream", "/unstored", "/accepted"):
                before = calls.count
                answers = [await client.get(path, headers=as_user("ada")) for _ in range(2)]
                assert calls.count == before + 2, path
                assert not any("stored" in answer.headers.get("cache-status", "") for answer in answers), path
            cookie = await client.get("/cookie", headers=as_user("ada"))

        assert cookie.headers["set-cookie"].startswith("session=")

    async def test_keeps_allowed_headers_of_the_endpoint_and_adds_those_of_dependencies_anew(
        self, serving: Serving
    ) -> None:
        router, calls = a_router(), Calls()

        def count(response: Response) -> None:
            response.headers["X-Request-Number"] = str(calls.next())

        @router.get("/headers", dependencies=[Depends(count)])
        @cache_response(ttl=60)
        async def get_headers(user: User, response: Response) -> Answer:
            response.headers["ETag"] = '"v7"'
            response.headers["X-Trace"] = "not for others"
            return Answer(user=user, number=0)

        async with serving(router) as client:
            answers = [await client.get("/headers", headers=as_user("ada")) for _ in range(2)]

        assert [answer.headers["etag"] for answer in answers] == ['"v7"', '"v7"']
        assert [answer.headers["x-request-number"] for answer in answers] == ["1", "2"]
        assert "x-trace" not in answers[1].headers

    async def test_runs_background_tasks_on_a_miss_alone(self, serving: Serving) -> None:
        router, ran = a_router(), Calls()

        @router.get("/background")
        @cache_response(ttl=60)
        async def get_background(user: User, tasks: BackgroundTasks) -> Answer:
            tasks.add_task(ran.next)
            return Answer(user=user, number=0)

        async with serving(router) as client:
            for _ in range(3):
                await client.get("/background", headers=as_user("ada"))

        assert ran.count == 1

    async def test_sends_zstd_as_stored_to_who_takes_it(self, serving: Serving) -> None:
        router = a_router()

        @router.get("/large")
        @cache_response(ttl=60)
        async def get_large(user: User) -> list[int]:
            return list(range(2000))

        async with serving(router) as client:
            plain = await client.get("/large", headers=as_user("ada", **{"Accept-Encoding": "identity"}))
            request = client.build_request("GET", "/large", headers=as_user("ada", **{"Accept-Encoding": "zstd"}))
            packed = await client.send(request, stream=True)
            raw = b"".join([chunk async for chunk in packed.aiter_raw()])
            refused = await client.get("/large", headers=as_user("ada", **{"Accept-Encoding": "zstd;q=0"}))

        assert packed.headers["content-encoding"] == "zstd"
        assert len(raw) < len(plain.content)
        assert decompress(raw, len(plain.content)) == plain.content
        assert "content-encoding" not in refused.headers

    async def test_keys_declared_headers_by_digest_and_works_for_plain_functions(self, serving: Serving) -> None:
        router, calls = a_router(), Calls()

        @router.get("/plain/{name}")
        @cache_response(ttl=60, vary={"half": lambda context: str(context.now.year)})
        def get_plain(user: User, name: str, accept_language: Annotated[str, Header()] = "en") -> Answer:
            return Answer(user=f"{user} {name} {accept_language}", number=calls.next())

        async with serving(router) as client:
            for language in ("en", "de", "en"):
                await client.get("/plain/x", headers=as_user("ada", **{"Accept-Language": language}))

        assert calls.count == 2

    async def test_leaves_a_request_alone_where_its_condition_is_false(self, serving: Serving) -> None:
        calls = Calls()
        router = a_counting_router(calls, condition=lambda context: context.params["q"] is None)
        async with serving(router) as client:
            for _ in range(2):
                await client.get("/n?q=1", headers=as_user("ada"))
            for _ in range(2):
                await client.get("/n", headers=as_user("ada"))

        assert calls.count == 3


class TestUnsafeCaching:
    def test_refuses_a_key_that_varies_neither_on_the_user_nor_by_a_function(self) -> None:
        with pytest.raises(UnsafeCaching, match="shared=True"):
            a_counting_router(Calls(), vary_on_user=False)

        a_counting_router(Calls(), vary_on_user=False, key_func=lambda context: context.scope or "")
        a_counting_router(Calls(), shared=True)

    def test_refuses_a_dependency_that_yields(self) -> None:
        router = a_router()

        async def get_session() -> AsyncIterator[int]:
            yield 1

        with pytest.raises(UnsafeCaching, match="get_session yields"):

            @router.get("/n")
            @cache_response(ttl=60)
            async def get_number(session: Annotated[int, Depends(get_session)]) -> int:
                return session

    def test_refuses_what_is_no_get(self) -> None:
        with pytest.raises(UnsafeCaching, match="only GET"):

            @a_router().post("/n")
            @cache_response(ttl=60)
            async def post_number() -> int:
                return 1


class TestInvalidateCache:
    @staticmethod
    def a_writing_router(calls: Calls) -> APIRouter:
        router = a_counting_router(calls, prefix="analytics", tags=["meeting:1"])

        @router.post("/clear")
        @invalidate_cache(prefix="session")
        @invalidate_cache(prefix="analytics")
        async def clear(user: User) -> None: ...

        @router.post("/hook")
        async def hook(user: User, invalidation: Invalidation, tag: str, fail: bool = False) -> None:
            invalidation.add(tag)
            if fail:
                raise HTTPException(409)

        @router.post("/plain")
        @invalidate_cache(tags=[lambda context: f"meeting:{context.params['meeting_id']}"])
        def plain(user: User, meeting_id: int) -> int:
            return meeting_id

        return router

    @pytest.mark.parametrize(
        ("path", "clears"),
        [
            ("/clear", True),
            ("/hook?tag=meeting:1", True),
            ("/hook?tag=user:ada", True),
            ("/hook?tag=meeting:2", False),
            ("/hook?tag=meeting:1&fail=true", False),
            ("/plain?meeting_id=1", True),
            ("/plain?meeting_id=2", False),
        ],
    )
    async def test_clears_what_it_names_when_it_succeeds(self, serving: Serving, path: str, clears: bool) -> None:
        calls = Calls()
        async with serving(self.a_writing_router(calls)) as client:
            await client.get("/n", headers=as_user("ada"))

            await client.post(path, headers=as_user("ada"))
            after = await client.get("/n", headers=as_user("ada"))

        assert after.json()["number"] == (2 if clears else 1)


class TestIdentitySeen:
    """Who asks is read before the look-up: what is made of an older reading must reach nobody else."""

    @staticmethod
    def a_router_over(roles: dict[str, str], meanwhile: list[Callable[[Request], Awaitable[None]]]) -> APIRouter:
        """`/role` answers the role that a dependency read; `meanwhile` runs once, between that and the look-up."""
        router = a_router()

        async def get_role(request: Request, user: User) -> str:
            async def load() -> str:
                return roles[user]

            policy = CachePolicy(60, "session", (user_tag(user),))
            seen = await cache_of(request).get_or_load_seen(f"role:{user}", load, policy)
            identify(request, Identity(user, "ws:1", seen=seen.vintage))
            while meanwhile:
                await meanwhile.pop()(request)
            return str(seen.value)

        @router.get("/role")
        @cache_response(ttl=60)
        async def get_my_role(role: Annotated[str, Depends(get_role)]) -> str:
            return role

        return router

    async def test_that_changed_before_the_look_up_is_not_kept(self, serving: Serving) -> None:
        roles = {"ada": "admin"}

        async def demote(request: Request) -> None:
            roles["ada"] = "viewer"
            await cache_of(request).invalidate_tags(user_tag("ada"))

        async with serving(self.a_router_over(roles, [demote])) as client:
            answers = [await client.get("/role", headers=as_user("ada")) for _ in range(3)]

        assert [answer.json() for answer in answers] == ["admin", "viewer", "viewer"]
        assert [answer.headers["cache-status"].split("; ", 1)[1] for answer in answers] == [
            "fwd=bypass; detail=changed",
            "fwd=uri-miss; stored; ttl=60",
            "hit; ttl=60; detail=l2",
        ]

    async def test_that_changed_goes_to_nobody_who_asks_at_the_same_time(self, serving: Serving) -> None:
        roles = {"ada": "admin"}
        answered: list[str] = []

        async with serving(self.a_router_over(roles, meanwhile := [])) as client:

            async def demote_and_ask_anew(request: Request) -> None:
                roles["ada"] = "viewer"
                await cache_of(request).invalidate_tags(user_tag("ada"))
                answered.append((await client.get("/role", headers=as_user("ada"))).json())

            meanwhile.append(demote_and_ask_anew)
            first = await client.get("/role", headers=as_user("ada"))
            last = await client.get("/role", headers=as_user("ada"))

        assert (first.json() in ("admin", "viewer"), answered, last.json()) == (True, ["viewer"], "viewer")

    async def test_without_redis_at_first_is_not_kept_either(
        self, private_valkey: PrivateValkey, serving: Serving
    ) -> None:
        roles = {"ada": "admin"}
        private_valkey.stop()

        async def come_back(request: Request) -> None:
            private_valkey.start()
            await available(cache_of(request))

        async with serving(self.a_router_over(roles, [come_back]), url=private_valkey.url) as client:
            answer = await client.get("/role", headers=as_user("ada"))

        assert answer.headers["cache-status"] == "mina; fwd=bypass; detail=changed"


class TestOpenApi:
    async def test_is_what_it_would_be_without_the_cache_and_what_the_cache_adds(self, serving: Serving) -> None:
        async with serving(TestInvalidateCache.a_writing_router(Calls())) as client:
            document = (await client.get("/openapi.json")).json()

        names = [each["name"] for each in document["paths"]["/n"]["get"]["parameters"]]
        responses = document["paths"]["/n"]["get"]["responses"]
        assert names == ["q", "If-None-Match"]
        assert responses["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Answer"}
        assert set(responses) == {"200", "304", "422", "504"}
        assert set(responses["200"]["headers"]) == set(responses["304"]["headers"]) == set(HEADERS)
