"""HTTP's own rules, as a client of a cached endpoint sees them."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import BackgroundTasks, Header, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint

from mina_api.cache.fastapi import cache_response
from mina_api.cache.testing import FakeClock
from mina_api.web.middleware import HeadFromGet
from tests.cache.conftest import Serving
from tests.cache.routers import Calls, User, a_counting_router, a_router, as_user

ADA = as_user("ada")


def outcome(answer: httpx.Response) -> str:
    return answer.headers["cache-status"].split(";")[1].strip()


class TestWhatIsNeverStored:
    @pytest.mark.parametrize(
        ("status", "headers"),
        [
            (200, {"Set-Cookie": "a=b"}),
            (200, {"Cache-Control": "private, no-store"}),
            (200, {"Vary": "*"}),
            (200, {"Vary": "X-Undeclared"}),
            (200, {"Content-Encoding": "gzip"}),
            (206, {"Content-Range": "bytes 0-1/9"}),
            (203, {}),
            (301, {"Location": "/elsewhere"}),
            (404, {}),
            (500, {}),
        ],
    )
    async def test_is_the_answer_of_its_request_alone(
        self, serving: Serving, status: int, headers: dict[str, str]
    ) -> None:
        router, calls = a_router(), Calls()

        @router.get("/n")
        @cache_response(ttl=60)
        async def get_number(user: User) -> Response:
            return JSONResponse(calls.next(), status, headers)

        async with serving(router) as client:
            client.follow_redirects = False
            async with (
                client.stream("GET", "/n", headers=ADA) as first,
                client.stream("GET", "/n", headers=ADA) as other,
            ):
                bodies = [b"".join([chunk async for chunk in each.aiter_raw()]) for each in (first, other)]

        assert bodies == [b"1", b"2"]
        for name, value in headers.items():
            assert first.headers[name] == value
        assert "stored" not in first.headers["cache-status"]

    async def test_is_a_file(self, serving: Serving, tmp_path: Any) -> None:
        router, calls = a_router(), Calls()
        (tmp_path / "one.txt").write_text("one")

        @router.get("/file")
        @cache_response(ttl=60)
        async def get_file(user: User) -> FileResponse:
            calls.next()
            return FileResponse(tmp_path / "one.txt")

        async with serving(router) as client:
            answers = [await client.get("/file", headers=ADA) for _ in range(2)]

        assert [answer.text for answer in answers] == ["one", "one"]
        assert calls.count == 2


class TestHead:
    async def test_is_answered_from_gets_entry_and_stores_no_empty_body(self, serving: Serving) -> None:
        calls = Calls()
        async with serving(a_counting_router(calls), middleware=HeadFromGet) as client:
            head = await client.head("/n", headers=ADA)
            got = await client.get("/n", headers=ADA)
            again = await client.head("/n", headers=ADA)

        assert (head.content, again.content, got.json()["number"]) == (b"", b"", 1)
        assert [outcome(each) for each in (head, got, again)] == ["fwd=uri-miss", "hit", "hit"]
        assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.content))


class Languages(BaseModel):
    accept_language: str = "en"
    x_tone: str = "plain"


class TestVary:
    async def test_names_the_headers_that_are_in_the_key_also_on_hits_and_304s(self, serving: Serving) -> None:
        router = a_router()

        @router.get("/one")
        @cache_response(ttl=60)
        async def get_one(user: User, accept_language: Annotated[str, Header()] = "en") -> str:
            return accept_language

        @router.get("/model")
        @cache_response(ttl=60)
        async def get_model(user: User, languages: Annotated[Languages, Header()]) -> str:
            return languages.accept_language + languages.x_tone

        async with serving(router) as client:
            for path, names in (("/one", "accept-language"), ("/model", "accept-language, x-tone")):
                german = as_user("ada", **{"Accept-Language": "de"})
                first, hit = [await client.get(path, headers=german) for _ in range(2)]
                fresh = await client.get(path, headers={**german, "If-None-Match": first.headers["etag"]})
                english = await client.get(path, headers=as_user("ada", **{"Accept-Language": "en"}))

                assert [outcome(each) for each in (first, hit, fresh)] == ["fwd=uri-miss", "hit", "hit"]
                assert (hit.json()[:2], english.json()[:2], fresh.status_code) == ("de", "en", 304)
                for answer in (first, hit, fresh):
                    assert answer.headers.get_list("vary") == [names, "Authorization"]

    async def test_that_the_endpoint_says_of_a_declared_header_is_no_reason_not_to_store(
        self, serving: Serving
    ) -> None:
        router, calls = a_router(), Calls()

        @router.get("/n")
        @cache_response(ttl=60)
        async def get_number(user: User, response: Response, accept_language: Annotated[str, Header()] = "en") -> int:
            response.headers["Vary"] = "Accept-Language, Authorization"
            return calls.next()

        async with serving(router) as client:
            answers = [await client.get("/n", headers=ADA) for _ in range(2)]

        assert [answer.json() for answer in answers] == [1, 1]

    async def test_of_a_shared_answer_on_who_asks_is_a_reason_not_to_store(self, serving: Serving) -> None:
        router, calls = a_router(), Calls()

        @router.get("/n")
        @cache_response(ttl=60, shared=True)
        async def get_number(user: User, response: Response) -> int:
            response.headers["Vary"] = "Authorization"
            return calls.next()

        async with serving(router) as client:
            answers = [await client.get("/n", headers=ADA) for _ in range(2)]

        assert [answer.json() for answer in answers] == [1, 2]

    async def test_names_the_encoding_of_a_compressed_entry_to_everybody(self, serving: Serving) -> None:
        router = a_router()

        @router.get("/large")
        @cache_response(ttl=60)
        async def get_large(user: User) -> list[int]:
            return list(range(2000))

        async with serving(router) as client:
            await client.get("/large", headers=ADA)
            for encoding in ("identity", "zstd"):
                answer = await client.get("/large", headers=as_user("ada", **{"Accept-Encoding": encoding}))
                assert answer.headers["vary"] == "Authorization, Accept-Encoding"


class TestRequestHeaders:
    async def test_in_several_lines_are_one_list(self, serving: Serving) -> None:
        calls = Calls()
        async with serving(a_counting_router(calls)) as client:

            async def get(*lines: tuple[str, str]) -> httpx.Response:
                answer: httpx.Response = await client.get("/n", headers=[*ADA.items(), *lines])
                return answer

            etag = (await get()).headers["etag"]
            reloaded = await get(("Cache-Control", "max-age=60"), ("Cache-Control", "no-cache"))
            known = await get(("If-None-Match", '"other"'), ("If-None-Match", f"W/{etag}"))

        assert outcome(reloaded) == "fwd=request"
        assert known.status_code == 200
        assert calls.count == 2

    async def test_if_none_match_takes_a_star_and_a_list_over_several_lines(self, serving: Serving) -> None:
        async with serving(a_counting_router(Calls())) as client:

            async def get(*lines: str) -> int:
                pairs = [("If-None-Match", line) for line in lines]
                answer = await client.get("/n", headers=[*ADA.items(), *pairs])
                return int(answer.status_code)

            etag = (await client.get("/n", headers=ADA)).headers["etag"]

            assert [await get("*"), await get('"a"', etag), await get(f'"a", W/{etag}')] == [304, 304, 304]
            assert [await get('"a"'), await get(""), await get(etag.strip('"'))] == [200, 200, 200]


class TestAge:
    async def test_is_how_old_the_answer_is_not_what_it_has_left(self, serving: Serving, clock: FakeClock) -> None:
        async with serving(a_counting_router(Calls()), clock=clock) as client:
            ages = []
            for seconds in (0, 19, 21):
                clock.advance(seconds)
                ages.append((await client.get("/n", headers=ADA)).headers["age"])

        assert ages == ["0", "19", "40"]


class TestBackgroundTasks:
    async def test_run_after_the_answer_on_a_miss_alone_also_behind_middleware(self, serving: Serving) -> None:
        router, injected, returned = a_router(), Calls(), Calls()

        @router.get("/injected")
        @cache_response(ttl=60)
        async def get_injected(user: User, tasks: BackgroundTasks) -> int:
            tasks.add_task(injected.next)
            return injected.count

        @router.get("/returned")
        @cache_response(ttl=60)
        async def get_returned(user: User) -> Response:
            return JSONResponse(returned.count, background=BackgroundTask(returned.next))

        class Marks(BaseHTTPMiddleware):
            async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
                response = await call_next(request)
                response.headers["X-Marked"] = "yes"
                return response

        async with serving(router, middleware=Marks) as client:
            for path in ("/injected", "/returned"):
                answers = [await client.get(path, headers=ADA) for _ in range(2)]
                assert [(each.json(), each.headers["x-marked"]) for each in answers] == [(0, "yes"), (0, "yes")]

        assert (injected.count, returned.count) == (1, 1)
