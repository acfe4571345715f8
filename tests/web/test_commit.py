"""Writes and reads of the whole application, between the two phases of an invalidation and without Redis."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from sqlalchemy import event, select

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.db.outbox import OutboxRow
from mina_api.dev.valkey import PrivateValkey
from tests.api import a_client, a_meeting, a_settings, register, running
from tests.cache.services import available
from tests.measured import Measured
from tests.servers import a_database


async def outbox_rows(database_url: str) -> list[OutboxRow]:
    database = a_database(database_url)
    async with database.read() as session:
        found = list((await session.execute(select(OutboxRow))).scalars())
    await database.close()
    return found


class TestCoherentCommit:
    async def test_holds_before_the_commit_and_lifts_before_the_answer(
        self, ada: httpx.AsyncClient, valkey_url: str, app: FastAPI
    ) -> None:
        meeting = await a_meeting(ada)
        await ada.get(f"/api/meetings/{meeting}")
        held: list[bool] = []
        engine = app.state.database.engine.sync_engine

        def look(_: object) -> None:
            with BlockingRedis.from_url(valkey_url) as client:
                held.append(bool(client.exists(f"mina:{{tags}}:hold:meeting:{meeting}")))

        event.listen(engine, "commit", look)
        await ada.patch(f"/api/meetings/{meeting}", json={"title": "New"})
        event.remove(engine, "commit", look)

        async with Redis.from_url(valkey_url) as client:
            # The relay commits as well, when it likes.
            assert True in held
            assert not await client.exists(f"mina:{{tags}}:hold:meeting:{meeting}")

    async def test_a_failed_write_invalidates_nothing(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        await ada.get(f"/api/meetings/{meeting}")

        failed = await ada.patch(f"/api/meetings/{meeting}", json={"title": "New"}, headers={"If-Match": '"another"'})

        assert failed.status_code == 412
        assert (await ada.get(f"/api/meetings/{meeting}")).headers["cache-status"].startswith("mina; hit")


class TestWithoutRedis:
    async def test_everything_is_answered_and_nothing_stale_comes_back(
        self, database_url: str, private_valkey: PrivateValkey, clock: FakeClock, measured: Measured
    ) -> None:
        settings = a_settings(database_url, private_valkey.url, redis_timeout_seconds=0.25)
        async with running(create_app(settings, clock=clock)) as app:
            ada = await register(app, "ada@example.com")
            meeting = await a_meeting(ada)
            before = await ada.get(f"/api/meetings/{meeting}")
            private_valkey.pause()

            changed = await ada.patch(f"/api/meetings/{meeting}", json={"title": "Without Redis"})
            without = await ada.get(f"/api/meetings/{meeting}")
            waiting = await outbox_rows(database_url)
            with measured.timed("drained and read again in"):
                private_valkey.resume()
                await available(app.state.cache)
            after = [await ada.get(f"/api/meetings/{meeting}") for _ in range(2)]
            health = (await ada.get("/ops/health")).json()
            await ada.aclose()

        assert before.headers["cache-status"].startswith("mina; fwd=uri-miss; stored")
        assert changed.status_code == 200
        assert without.headers["cache-status"] == "mina; fwd=uri-miss; detail=redis-down"
        assert [answer.json()["title"] for answer in (without, *after)] == ["Without Redis"] * 3
        assert after[1].headers["cache-status"].startswith("mina; hit")
        assert any(f"meeting:{meeting}" in row.tags for row in waiting)
        assert await outbox_rows(database_url) == []
        assert health["cache"]["available"]

    async def test_the_service_starts_and_serves_with_none_at_all(self, database_url: str, clock: FakeClock) -> None:
        async with running(create_app(a_settings(database_url, ""), clock=clock)) as app:
            ada = await register(app, "ada@example.com")
            meeting = await a_meeting(ada)
            answers = [await ada.get(f"/api/meetings/{meeting}") for _ in range(2)]
            health = await ada.get("/ops/health")
            await ada.aclose()

        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].headers["cache-status"] == "mina; fwd=uri-miss; detail=redis-down"
        assert answers[1].headers["cache-status"] == "mina; hit; ttl=30; detail=l1"
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert health.json()["cache"]["status"] == "unavailable"


class TestWorkersThatRedisDoesNotJoin:
    """Two workers over one Postgres, of which one or both have lost Redis: a write shows in the other's next answer."""

    @pytest.mark.parametrize(("reader_has_redis", "writer_has_redis"), [(True, False), (False, True), (False, False)])
    async def test_a_write_shows_in_the_other_workers_next_answer(
        self,
        database_url: str,
        valkey_url: str,
        unreachable_url: str,
        clock: FakeClock,
        reader_has_redis: bool,
        writer_has_redis: bool,
    ) -> None:
        async with (
            running(_app(database_url, valkey_url if reader_has_redis else unreachable_url, clock)) as reader,
            running(_app(database_url, valkey_url if writer_has_redis else unreachable_url, clock)) as writer,
        ):
            ada = await register(reader, "ada@example.com")
            elsewhere = a_client(writer, ada.headers["authorization"].split()[1])
            meeting = await a_meeting(ada)
            seen = []
            for version in range(5):
                await _unheld(reader)
                await ada.get(f"/api/meetings/{meeting}")
                kept = await ada.get(f"/api/meetings/{meeting}")
                changed = await elsewhere.patch(f"/api/meetings/{meeting}", json={"title": f"Version {version}"})
                after = await ada.get(f"/api/meetings/{meeting}")
                seen.append((kept.headers["cache-status"][:9], changed.status_code, after.json()["title"]))
            await elsewhere.aclose()
            await ada.aclose()

        assert seen == [("mina; hit", 200, f"Version {version}") for version in range(5)]

    async def test_a_write_that_loses_redis_before_its_second_phase_shows_too(
        self, database_url: str, private_valkey: PrivateValkey, clock: FakeClock
    ) -> None:
        async with (
            running(_app(database_url, private_valkey.url, clock)) as reader,
            running(_app(database_url, private_valkey.url, clock)) as writer,
        ):
            ada = await register(reader, "ada@example.com")
            elsewhere = a_client(writer, ada.headers["authorization"].split()[1])
            meeting = await a_meeting(ada)
            await ada.get(f"/api/meetings/{meeting}")

            event.listen(writer.state.database.engine.sync_engine, "commit", lambda _: private_valkey.stop())
            changed = await elsewhere.patch(f"/api/meetings/{meeting}", json={"title": "From the other side"})
            after = await ada.get(f"/api/meetings/{meeting}")
            await elsewhere.aclose()
            await ada.aclose()

        assert (changed.status_code, after.json()["title"]) == (200, "From the other side")

    async def test_a_worker_that_is_given_another_redis_uses_none(
        self, database_url: str, valkey_url: str, private_valkey: PrivateValkey, clock: FakeClock
    ) -> None:
        """By mistake, or because a partition has left two primaries: answers are kept in one of them."""
        async with (
            running(_app(database_url, valkey_url, clock)) as reader,
            running(_app(database_url, private_valkey.url, clock)) as writer,
        ):
            ada = await register(reader, "ada@example.com")
            elsewhere = a_client(writer, ada.headers["authorization"].split()[1])
            meeting = await a_meeting(ada)
            available = (reader.state.cache.is_available, writer.state.cache.is_available)
            seen = []
            for version in range(3):
                await ada.get(f"/api/meetings/{meeting}")
                await elsewhere.patch(f"/api/meetings/{meeting}", json={"title": f"Version {version}"})
                seen.append((await ada.get(f"/api/meetings/{meeting}")).json()["title"])
                await _unheld(reader)
            await elsewhere.aclose()
            await ada.aclose()

        assert available == (True, False)
        assert seen == [f"Version {version}" for version in range(3)]


def _app(database_url: str, redis_url: str, clock: FakeClock) -> FastAPI:
    return create_app(a_settings(database_url, redis_url), clock=clock)


async def _unheld(app: FastAPI) -> None:
    """Returns once the worker serves again what was on hold: from its memory, if it has no Redis."""
    cache = app.state.cache
    async with asyncio.timeout(60):
        while cache.coherence.held or not (cache.is_available or cache.serves_from_memory):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@pytest.fixture
def unreachable_url(private_valkey: PrivateValkey) -> str:
    private_valkey.stop()
    return private_valkey.url
