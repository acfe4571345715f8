import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError

from mina_api import logs
from mina_api.app import create_app
from mina_api.cache.policy import CachePolicy
from mina_api.cache.testing import FakeClock
from mina_api.db.migrations import upgrade
from mina_api.dev.postgres import PrivatePostgres
from mina_api.errors import TooManyRequests
from tests.api import a_settings, register, running


@asynccontextmanager
async def a_running_load(app: FastAPI) -> AsyncIterator[None]:
    """A load that runs for as long as the block."""
    began, ends = asyncio.Event(), asyncio.Event()

    async def load() -> None:
        began.set()
        await ends.wait()

    loading = asyncio.create_task(app.state.cache.get_or_load("busy", load, CachePolicy(1)))
    await began.wait()
    yield
    ends.set()
    await loading
    await app.state.cache.delete("busy")


class TestProblems:
    async def test_of_an_unknown_address_and_of_a_wrong_method(self, client: httpx.AsyncClient) -> None:
        unknown, wrong = await client.get("/nowhere?x=1"), await client.delete("/api/auth/me")

        assert unknown.json() == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "There is nothing at this address.",
            "instance": "/nowhere",
        }
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")
        assert {answer.headers["content-type"] for answer in (unknown, wrong)} == {"application/problem+json"}

    async def test_of_a_wrong_method_names_every_right_one(self, client: httpx.AsyncClient) -> None:
        several, of_one = await client.put("/api/auth/api-keys"), await client.get("/api/meetings/7/tasks/8/9")
        member = await client.request("OPTIONS", "/api/meetings/7/tasks/8")

        assert (several.status_code, several.headers["allow"]) == (405, "GET, HEAD, POST")
        assert of_one.status_code == 404
        assert member.headers["allow"] == "GET, HEAD, PUT, PATCH, DELETE"

    async def test_of_a_broken_body(self, ada: httpx.AsyncClient) -> None:
        answer = await ada.post("/api/meetings/", content=b"{", headers={"Content-Type": "application/json"})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"] == ["body", 1]

    async def test_of_our_own_mistakes_say_nothing_of_them(
        self, capsys: pytest.CaptureFixture[str], app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        @app.get("/boom")
        async def boom() -> None:
            token = "a secret in a local variable"
            raise ValueError(f"SELECT secret {len(token)}")

        answer = await client.get("/boom")

        assert answer.status_code == 500
        assert answer.json()["detail"] == "Something went wrong on our side; it is noted."
        logs.flush()
        logged = capsys.readouterr().err
        assert "SELECT secret" in logged and "a secret in a local variable" not in logged

    async def test_carry_retry_after(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        @app.get("/busy")
        async def busy() -> None:
            raise TooManyRequests("Slow down.", retry_after_seconds=7)

        answer = await client.get("/busy")

        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")

    async def test_of_a_lost_postgres_are_503_and_end_with_its_return(
        self, tmp_path_factory: pytest.TempPathFactory, valkey_url: str, clock: FakeClock
    ) -> None:

        server = PrivatePostgres(tmp_path_factory.mktemp("own"), durable=False)
        upgrade(server.start())
        async with running(create_app(a_settings(server.url, valkey_url), clock=clock)) as app:
            ada = await register(app, "ada@example.com")
            fresh = await ada.get("/api/auth/me")
            server.stop()

            read = await ada.get("/api/meetings/")
            written = await ada.post("/api/meetings/", json={"title": "Lost"})
            cached = await ada.get("/api/auth/me")
            health, ready = await ada.get("/ops/health"), await ada.get("/ops/health/ready")
            live = await ada.get("/ops/health/live")
            await ada.aclose()

        assert fresh.status_code == 200
        assert [each.status_code for each in (read, written, health, ready, live)] == [503, 503, 503, 503, 200]
        assert all("retry-after" in each.headers for each in (read, written, health))
        assert read.json()["detail"] == "The database cannot answer now."
        assert cached.status_code == 200
        assert cached.headers["cache-status"].startswith("mina; hit")

    async def test_of_too_many_loads_are_503_for_who_asks_and_for_what_is_asked(
        self, database_url: str, valkey_url: str
    ) -> None:
        settings = a_settings(database_url, valkey_url, max_concurrent_loads=1, max_waiting_loads=0)
        async with running(create_app(settings)) as app:
            ada = await register(app, "ada@example.com")
            async with a_running_load(app):
                of_the_viewer = await ada.get("/api/auth/me")
            known = await ada.get("/api/auth/me")
            async with a_running_load(app):
                of_the_answer = await ada.get("/api/meetings/")
            await ada.aclose()

        assert known.status_code == 200
        for refused in (of_the_viewer, of_the_answer):
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.json()["detail"] == "More is asked for than can be loaded now."

    async def test_of_a_query_that_is_wrong_are_no_outage(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        @app.get("/wrong")
        async def wrong() -> None:
            raise DBAPIError("SELECT", {}, ValueError("column does not exist"))

        assert (await client.get("/wrong")).status_code == 500


class TestRequestContext:
    async def test_echoes_a_sane_request_id_and_makes_one_otherwise(self, client: httpx.AsyncClient) -> None:
        sane = await client.get("/ops/health/live", headers={"X-Request-ID": "abc-1.2_3"})
        others = [
            await client.get("/ops/health/live", headers={"X-Request-ID": value}) for value in ("a b", "x" * 129, "")
        ]

        assert sane.headers["x-request-id"] == "abc-1.2_3"
        assert all(len(answer.headers["x-request-id"]) == 32 for answer in others)


class TestLogs:
    def test_are_json_lines_without_secrets(self, capsys: pytest.CaptureFixture[str]) -> None:
        logs.configure("INFO", "json")
        logs.get_logger("mina").info("signed in", user=7, access_token="eyJ", password="x")
        logging.getLogger("uvicorn.error").info("Started", extra={"color_message": "\x1b[36m"})
        logs.configure("WARNING")

        first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())

        assert (first["event"], first["user"], first["level"], first["logger"]) == ("signed in", 7, "info", "mina")
        assert (first["access_token"], first["password"]) == ("[hidden]", "[hidden]")
        assert second["event"] == "Started" and "color_message" not in second


class TestOpenApi:
    async def test_lets_the_docs_page_sign_in_and_asks_no_outside_host(self, client: httpx.AsyncClient) -> None:
        page = await client.get("/docs")
        document = (await client.get("/openapi.json")).json()

        script = await client.get("/docs/assets/swagger-ui-bundle.js")
        flow = document["components"]["securitySchemes"]["OAuth2PasswordBearer"]["flows"]["password"]
        assert flow["tokenUrl"] == "/api/auth/token"
        assert "https://" not in page.text
        assert script.status_code == 200


class TestServerTiming:
    async def test_says_what_the_database_took_and_by_how_many_queries(self, ada: httpx.AsyncClient) -> None:
        answers = [
            await ada.get("/api/meetings/"),
            await ada.get("/api/meetings/"),
            await ada.post("/api/meetings/", json={"title": "Retro"}),
        ]

        shape = re.compile(r"cache;dur=\d+\.\d, db;dur=(\d+\.\d);desc=\"(\d+) quer(?:y|ies)\"")
        found = [shape.fullmatch(answer.headers["server-timing"]) for answer in answers]
        milliseconds = [float(match[1]) for match in found if match]
        queries = [int(match[2]) for match in found if match]
        assert queries[0] >= 1 and milliseconds[0] > 0
        assert (queries[1], milliseconds[1]) == (0, 0.0)
        assert queries[2] >= 2
