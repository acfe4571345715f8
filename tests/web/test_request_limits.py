import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.settings import Settings
from mina_api.web.budgets import Budgets
from tests.api import OPS_TOKEN, a_client, a_meeting, register, running

USER, KEY, ADDRESS = 8, 4, 24
# Changes nothing, and is no answer of the cache.
NOWHERE = "/api/meetings/1000000000"


@asynccontextmanager
async def limited(settings: Settings, clock: FakeClock, **given: int) -> AsyncIterator[FastAPI]:
    """The application with small limits, within an hour."""
    rate = settings.rate.model_copy(
        update={"per_user": USER, "per_key": KEY, "per_address": ADDRESS, "window_seconds": 3600, **given}
    )
    async with running(create_app(settings.model_copy(update={"rate": rate}), clock=clock)) as app:
        yield app


@pytest.fixture
async def app(settings: Settings, clock: FakeClock) -> AsyncIterator[FastAPI]:
    async with limited(settings, clock) as started:
        yield started


async def until_refused(client: httpx.AsyncClient) -> httpx.Response:
    """Asks for what costs until that is refused."""
    for _ in range(2 * ADDRESS):
        answer = await client.delete(NOWHERE)
        if answer.status_code == 429:
            return answer
        assert answer.status_code in (401, 404), answer.text
    raise AssertionError("it was never refused")


async def told(app: FastAPI) -> None:
    """Return once a worker has told everything that it has counted."""
    budgets = app.state.admission.budgets
    async with asyncio.timeout(60):
        while any(budget.untold or budget.telling for budget in budgets):
            await budgets.tell()
            await asyncio.sleep(0.01)


def left(answer: httpx.Response) -> dict[str, int]:
    """What the answer says is left, by the quota's name."""
    items = [item.strip().split(";") for item in answer.headers["ratelimit"].split(",")]
    return {name.strip('"'): int(remaining.removeprefix("r=")) for name, remaining, _ in items}


class TestRequestLimits:
    async def test_says_what_is_left_and_refuses_what_is_more(self, ada: httpx.AsyncClient) -> None:
        first = await ada.post("/api/meetings/", json={"title": "Retro"})
        second = await ada.post("/api/meetings/", json={"title": "Retro"})
        head = await ada.head("/api/meetings/?page=3")
        refusal = await until_refused(ada)

        assert left(head)["user"] == USER - 3
        assert first.headers["ratelimit-policy"] == f'"address";q={ADDRESS};w=3600, "user";q={USER};w=3600'
        assert left(first)["user"] == USER - 1
        assert left(second) == {"address": left(first)["address"] - 1, "user": USER - 2}
        assert refusal.headers["content-type"] == "application/problem+json"
        assert 1 <= int(refusal.headers["retry-after"]) <= 3600
        assert left(refusal)["user"] == 0

    async def test_neither_counts_nor_refuses_an_answer_of_the_cache(self, ada: httpx.AsyncClient) -> None:
        path = f"/api/meetings/{await a_meeting(ada)}"
        missed = await ada.get(path)
        await until_refused(ada)

        hits = [await ada.get(path) for _ in range(3 * USER)]
        unchanged = await ada.get(path, headers={"If-None-Match": missed.headers["etag"]})
        other = await ada.get("/api/analytics/overview")
        reloaded = await ada.get(path, headers={"Cache-Control": "no-cache"})

        assert left(missed)["user"] == USER - 2
        assert {hit.status_code for hit in hits} == {200}
        assert unchanged.status_code == 304
        assert not any("ratelimit" in answer.headers for answer in (*hits, unchanged))
        assert other.status_code == reloaded.status_code == 429

    async def test_counts_a_user_a_key_and_an_address_each(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        made = (await ada.post("/api/auth/api-keys", json={"name": "robot", "scope": "write"})).json()
        grace = await register(app, "grace@example.com")
        async with grace, a_client(app, made["key"]) as robot, a_client(app, address="192.0.2.7") as elsewhere:
            by_key = [(await robot.delete(NOWHERE)).status_code for _ in range(KEY + 1)]
            by_ada = await ada.delete(NOWHERE)
            await until_refused(ada)
            by_grace = await grace.delete(NOWHERE)
            for _ in range(ADDRESS):
                anonymous = await a_client(app).delete(NOWHERE)
            at_another_address = await elsewhere.delete(NOWHERE)

        assert by_key == [404] * KEY + [429]
        assert by_ada.status_code == 404
        assert by_grace.status_code == 404
        assert anonymous.status_code == 429
        assert at_another_address.status_code == 401

    async def test_looks_no_guessed_keys_up_for_an_address_that_has_nothing_left(
        self, app: FastAPI, ada: httpx.AsyncClient
    ) -> None:
        path = f"/api/meetings/{await a_meeting(ada)}"
        await ada.get(path)
        statuses = []
        for number in range(ADDRESS + 1):
            async with a_client(app, f"mina_1_{number:043}") as guesser:
                statuses.append((await guesser.get(path)).status_code)

        assert statuses[0] == 401
        assert statuses[-1] == 429
        assert (await ada.get(path)).status_code == 200

    async def test_limits_no_health_no_metrics_no_docs_and_not_the_ops_token(self, app: FastAPI) -> None:
        async with a_client(app, OPS_TOKEN) as operator, a_client(app) as anyone:
            await until_refused(anyone)

            free = [await anyone.get(path) for path in ("/ops/health", "/ops/health/live", "/metrics", "/docs")]
            stats = await operator.get("/ops/cache/stats")

        assert [answer.status_code for answer in free] == [200] * 4
        assert stats.status_code == 200
        assert not any("ratelimit" in answer.headers for answer in (*free, stats))

    async def test_is_off_at_zero(self, settings: Settings, clock: FakeClock) -> None:
        async with limited(settings, clock, per_user=0, per_key=0, per_address=0) as app:
            ada = await register(app, "ada@example.com")
            async with ada:
                answers = [await ada.delete(NOWHERE) for _ in range(2 * USER)]

        assert {answer.status_code for answer in answers} == {404}
        assert "ratelimit" not in answers[0].headers

    @pytest.mark.parametrize("has_redis", [True, False])
    async def test_is_of_all_workers_together_where_redis_is(
        self, settings: Settings, clock: FakeClock, has_redis: bool
    ) -> None:
        url = settings.redis.url if has_redis else type(settings.redis.url)("")
        given = settings.model_copy(update={"redis": settings.redis.model_copy(update={"url": url})})
        async with limited(given, clock) as one, limited(given, clock) as other:
            ada = await register(one, "ada@example.com")
            async with ada, a_client(other, ada.headers["authorization"].removeprefix("Bearer ")) as elsewhere:
                await until_refused(ada)
                passed = 0
                while passed < USER and (await elsewhere.delete(NOWHERE)).status_code == 404:
                    passed += 1
                    await told(one)
                    await told(other)

        assert passed <= 2 if has_redis else passed == USER


class TestBudgets:
    async def test_knows_a_bounded_number_of_identities(self, app: FastAPI) -> None:
        budgets: Budgets = app.state.admission.budgets
        few = Budgets(budgets.limiter, most=3)
        quota = app.state.admission.user
        assert quota is not None
        first = few.of(quota, "0")
        few.spend(first)

        for number in range(1, 10):
            few.spend(few.of(quota, str(number)))
        await few.close()

        assert len(few) == 3
        assert few.of(quota, "0") is not first
