"""The fast path of the whole application: the slow one's answers, and none that the slow one would not give.

Every other test's requests go both ways too, where there is a shortcut (tests/both_ways.py).
"""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.dev.valkey import PrivateValkey
from tests.api import SignUp, a_client, a_meeting, a_settings, register, running, today

PATHS = ("/api/analytics/dashboard?days=7", "/api/analytics/overview", "/api/meetings/?per_page=5", "/api/auth/me")


def answered(app: FastAPI) -> int:
    count: int = app.state.shortcuts.answered
    return count


async def shortened(app: FastAPI, client: httpx.AsyncClient, path: str, **headers: str) -> httpx.Response:
    """The answer of the first request that is answered by a shortcut."""
    async with asyncio.timeout(60):
        while True:
            before = answered(app)
            answer = await client.get(path, headers=headers)
            if answered(app) > before:
                return answer


class TestAnswers:
    @pytest.mark.parametrize("path", PATHS)
    async def test_are_those_of_the_slow_path(self, app: FastAPI, ada: httpx.AsyncClient, path: str) -> None:
        slow = await ada.get(path)

        short = await shortened(app, ada, path)

        assert short.content == slow.content
        assert short.headers["cache-status"].startswith("mina; hit; ttl=")
        assert short.headers["cache-status"][:-1].endswith("; detail=l")
        assert set(short.headers) == set(slow.headers) - {"ratelimit", "ratelimit-policy"}

    async def test_carry_the_requests_own_id_or_a_new_one(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        mine = await shortened(app, ada, PATHS[0], **{"X-Request-ID": "mine-1"})
        forged = await shortened(app, ada, PATHS[0], **{"X-Request-ID": "no; good"})
        others = {(await shortened(app, ada, PATHS[0])).headers["x-request-id"] for _ in range(5)}

        assert mine.headers["x-request-id"] == "mine-1"
        assert forged.headers["x-request-id"] != "no; good"
        assert len(others) == 5

    async def test_are_304_for_who_has_them_and_zstd_for_who_takes_it(
        self, app: FastAPI, ada: httpx.AsyncClient
    ) -> None:
        for number in range(20):
            await a_meeting(ada, title=f"Planning of the quarter, part {number}")
        path = "/api/meetings/?per_page=20"
        whole = await shortened(app, ada, path)

        had = await shortened(app, ada, path, **{"If-None-Match": whole.headers["etag"]})
        other = await shortened(app, ada, path, **{"If-None-Match": '"another"'})
        packed = await shortened(app, ada, path, **{"Accept-Encoding": "zstd"})
        plain = await shortened(app, ada, path, **{"Accept-Encoding": "gzip, zstd;q=0"})

        assert (had.status_code, had.content) == (304, b"")
        assert other.content == plain.content == packed.content == whole.content
        assert packed.headers["content-encoding"] == "zstd"
        assert int(packed.headers["content-length"]) < len(whole.content)

    async def test_grow_older(self, app: FastAPI, ada: httpx.AsyncClient, clock: FakeClock) -> None:
        path = PATHS[0]
        first = await shortened(app, ada, path)
        clock.advance(41.5)
        later = await shortened(app, ada, path)

        assert (first.headers["age"], later.headers["age"]) == ("0", "41")
        assert later.headers["cache-status"].startswith("mina; hit; ttl=559; detail=l")


class TestNoShortcut:
    async def test_outlives_the_answer_the_token_or_the_day(
        self, app: FastAPI, ada: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        await shortened(app, ada, "/api/analytics/dashboard")
        before = answered(app)

        clock.advance(899)
        stale = await ada.get("/api/analytics/dashboard")
        await shortened(app, ada, "/api/analytics/dashboard")
        clock.advance(2)
        expired = await ada.get("/api/analytics/dashboard")

        assert stale.headers["cache-status"].startswith("mina; fwd=")
        assert expired.status_code == 401
        assert answered(app) > before

    async def test_outlives_a_write(self, app: FastAPI, ada: httpx.AsyncClient, clock: FakeClock) -> None:
        for version in range(5):
            meeting = await a_meeting(ada, title=f"Version {version}", scheduled_at=today(clock))
            for path in ("/api/meetings/", "/api/analytics/dashboard", f"/api/meetings/{meeting}"):
                assert f"Version {version}" in (await ada.get(path)).text
                assert f"Version {version}" in (await shortened(app, ada, path)).text

    async def test_outlives_a_sign_out(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        await shortened(app, ada, PATHS[0])

        await ada.post("/api/auth/logout")

        assert (await ada.get(PATHS[0])).status_code == 401

    async def test_is_taken_by_anybody_elses_credentials(
        self, app: FastAPI, sign_up: SignUp, ada: httpx.AsyncClient
    ) -> None:
        bob = await sign_up("bob@example.com")
        await a_meeting(ada, title="Ada's alone")
        await shortened(app, ada, "/api/meetings/")
        token = ada.headers["authorization"].split()[1]

        async with a_client(app) as nobody, a_client(app, token[:-2] + "xx") as forger:
            answers = [await each.get("/api/meetings/") for each in (bob, nobody, forger)]

        assert [each.status_code for each in answers] == [200, 401, 401]
        assert "Ada's alone" not in answers[0].text

    @pytest.mark.parametrize(
        "headers",
        [
            {"Cache-Control": "no-cache"},
            {"Cache-Control": "no-store"},
            {"X-API-Key": "mina_0_nothing"},
            {"Cookie": "a=b"},
            {"Range": "bytes=0-1"},
        ],
    )
    async def test_is_taken_where_another_header_could_matter(
        self, app: FastAPI, ada: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        await shortened(app, ada, PATHS[0])
        before = answered(app)

        await ada.get(PATHS[0], headers=headers)

        assert answered(app) == before

    async def test_is_taken_with_two_authorizations(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        await shortened(app, ada, PATHS[0])
        before = answered(app)

        await ada.get(
            PATHS[0], headers=[("Authorization", ada.headers["authorization"]), ("Authorization", "Bearer x")]
        )

        assert answered(app) == before


class TestCounts:
    async def test_hits_are_counted_as_on_the_slow_path(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        await shortened(app, ada, PATHS[0])
        before = app.state.cache.get_cache_stats()["hits"]

        for _ in range(5):
            await shortened(app, ada, PATHS[0])

        assert app.state.cache.get_cache_stats()["hits"] >= before + 5

    async def test_uses_are_noted_for_warming(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        for _ in range(5):
            await shortened(app, ada, PATHS[0])

        assert any("days=7" in recipe for recipe in await app.state.cache.most_used())


class TestByWayOfRedis:
    """Without anything in memory: one round trip tells whether the answer and who asks are as they were."""

    async def test_answers_are_those_of_the_slow_path_and_end_with_a_write(
        self, database_url: str, valkey_url: str, clock: FakeClock
    ) -> None:
        settings = a_settings(database_url, valkey_url, memory_bytes=0)
        async with running(create_app(settings, clock=clock)) as app, await register(app, "ada@example.com") as ada:
            for version in range(3):
                meeting = await a_meeting(ada, title=f"Version {version}", scheduled_at=today(clock))
                for path in ("/api/meetings/", "/api/analytics/dashboard", f"/api/meetings/{meeting}"):
                    assert f"Version {version}" in (await ada.get(path)).text
                    short = await shortened(app, ada, path)
                    assert f"Version {version}" in short.text
                    assert short.headers["cache-status"].endswith("; detail=l2")

            await ada.post("/api/auth/logout")
            assert (await ada.get("/api/meetings/")).status_code == 401

    async def test_a_lost_redis_sends_them_the_long_way(
        self, database_url: str, private_valkey: PrivateValkey, clock: FakeClock
    ) -> None:
        settings = a_settings(database_url, private_valkey.url, memory_bytes=0)
        async with running(create_app(settings, clock=clock)) as app, await register(app, "ada@example.com") as ada:
            await shortened(app, ada, "/api/meetings/")
            private_valkey.kill()

            answers = [await ada.get("/api/meetings/") for _ in range(3)]

        assert {answer.status_code for answer in answers} == {200}
        assert {answer.headers["cache-status"] for answer in answers} == {"mina; fwd=uri-miss; detail=redis-down"}
