"""Writes and reads of the whole application, between the two phases of an invalidation and without Redis."""

import httpx
from fastapi import FastAPI
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from sqlalchemy import event, select

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.db.outbox import Outbox, OutboxRow
from mina_api.dev.valkey import PrivateValkey
from tests.api import a_client, a_meeting, a_settings, register, running
from tests.cache.services import available
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
            assert held == [True]
            assert not await client.exists(f"mina:{{tags}}:hold:meeting:{meeting}")

    async def test_a_failed_write_invalidates_nothing(self, ada: httpx.AsyncClient) -> None:
        meeting = await a_meeting(ada)
        await ada.get(f"/api/meetings/{meeting}")

        failed = await ada.patch(f"/api/meetings/{meeting}", json={"title": "New"}, headers={"If-Match": '"another"'})

        assert failed.status_code == 412
        assert (await ada.get(f"/api/meetings/{meeting}")).headers["cache-status"].startswith("mina; hit")


class TestWithoutRedis:
    async def test_everything_is_answered_and_nothing_stale_comes_back(
        self, database_url: str, private_valkey: PrivateValkey, clock: FakeClock
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
        assert answers[1].headers["cache-status"] == "mina; fwd=uri-miss; detail=redis-down"
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert health.json()["cache"]["status"] == "unavailable"

    async def test_another_workers_write_shows_although_its_redis_was_cut_off(
        self, database_url: str, private_valkey: PrivateValkey, valkey_url: str, clock: FakeClock
    ) -> None:
        """One worker reaches Redis, the writer does not: the reader's outbox relay makes it good."""
        async with running(create_app(a_settings(database_url, valkey_url), clock=clock)) as app:
            ada = await register(app, "ada@example.com")
            meeting = await a_meeting(ada)
            await ada.get(f"/api/meetings/{meeting}")
            private_valkey.stop()
            async with running(create_app(a_settings(database_url, private_valkey.url), clock=clock)) as cut_off:
                other = a_client(cut_off, ada.headers["authorization"].split()[1])
                await other.patch(f"/api/meetings/{meeting}", json={"title": "From the other side"})
                await Outbox(app.state.database).drain(app.state.cache.lift)
                seen = (await ada.get(f"/api/meetings/{meeting}")).json()["title"]
                await other.aclose()
            await ada.aclose()

        assert seen == "From the other side"
