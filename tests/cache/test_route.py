"""What a cached endpoint answers, to whom, and when its function is called."""

import asyncio
from typing import Annotated

from fastapi import BackgroundTasks, Depends, Header, HTTPException, Response
from fastapi.responses import StreamingResponse

from mina_api.cache.compression import decompress
from mina_api.cache.fastapi import cache_response
from tests.cache.conftest import Serving
from tests.cache.routers import Answer, Calls, User, a_counting_router, a_router, as_user


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
