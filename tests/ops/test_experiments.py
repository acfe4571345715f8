"""Experiments: who is served without the cache, what that shows; and the audit, which sees a stale answer."""

import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from mina_api.app import create_app
from mina_api.cache.experiment import CACHE, CONTROL, Experiment
from mina_api.cache.testing import FakeClock
from mina_api.ops.experiments import estimates
from mina_api.settings import Settings
from tests.api import OPS_TOKEN, a_client, a_meeting, register, running
from tests.ops.conftest import until
from tests.ops.test_inspecting import LONG_WAY


@pytest.fixture
async def experimenting(settings: Settings, clock: FakeClock) -> AsyncIterator[FastAPI]:
    """An application half of whose users are served without the cache, and each of whose hits is audited."""
    cache = settings.cache.model_copy(update={"control_share": 0.5, "audit_share": 1.0})
    async with running(create_app(settings.model_copy(update={"cache": cache}), clock=clock)) as app:
        yield app


async def experiments(app: FastAPI) -> dict[str, Any]:
    async with a_client(app, OPS_TOKEN) as ops:
        answer = await ops.get("/ops/experiments")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def users(app: FastAPI) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    """One who has the cache, and one who has not."""
    found: dict[str, httpx.AsyncClient] = {}
    for number in range(50):
        client = await register(app, f"user{number}@example.com")
        me = (await client.get("/api/auth/me")).json()["id"]
        arm = app.state.cache.experiment.arm_of(str(me))
        if arm in found:
            await client.aclose()
        found.setdefault(arm, client)
        if len(found) == 2:
            break
    return found[CACHE], found[CONTROL]


class TestTheExperiment:
    def test_puts_the_share_of_users_in_the_control_and_each_always_there(self) -> None:
        one, other = Experiment(0.1), Experiment(0.1)
        arms = [one.arm_of(str(user)) for user in range(5000)]

        assert 400 < arms.count(CONTROL) < 600
        assert arms == [other.arm_of(str(user)) for user in range(5000)]
        assert all(Experiment(0.5).arm_of(str(user)) == CONTROL for user in range(5000) if arms[user] == CONTROL)

    async def test_compares_users_with_the_cache_and_without(self, experimenting: FastAPI) -> None:
        with_cache, without = await users(experimenting)
        for _ in range(10):
            had = await with_cache.get("/api/analytics/dashboard", headers=LONG_WAY)
            never = await without.get("/api/analytics/dashboard", headers=LONG_WAY)
        await with_cache.aclose()
        await without.aclose()

        found = await experiments(experimenting)

        cached, control = found["arms"]
        assert had.headers["cache-status"].startswith("mina; hit")
        assert never.headers["cache-status"] == "mina; fwd=bypass; detail=control"
        assert (cached["arm"], control["arm"], found["control_share"]) == ("cache", "control", 0.5)
        assert cached["samples"] >= 10 and control["samples"] >= 10
        assert control["p50_ms"]["low"] <= control["p50_ms"]["value"] <= control["p50_ms"]["high"]
        assert found["saved_queries_per_answer"] > 0


class TestTheAudit:
    async def test_sees_an_answer_that_is_stale_and_drops_it(
        self, experimenting: FastAPI, caplog: pytest.LogCaptureFixture
    ) -> None:
        user, other = await users(experimenting)
        await other.aclose()
        meeting = await a_meeting(user, title="Before")
        path = f"/api/meetings/{meeting}"
        await user.get(path)
        await user.get(path, headers=LONG_WAY)
        fresh = await until(lambda: experiments(experimenting), lambda found: found["freshness"]["matches"] > 0)
        async with experimenting.state.database.write() as session:
            await session.execute(text("UPDATE meetings SET title = 'Behind its back' WHERE id = :id"), {"id": meeting})

        stale = await user.get(path, headers=LONG_WAY)
        found = await until(lambda: experiments(experimenting), lambda found: found["freshness"]["mismatches"] > 0)
        after = await user.get(path, headers=LONG_WAY)
        await user.aclose()

        assert (fresh["freshness"]["mismatches"], found["freshness"]["mismatches"]) == (0, 1)
        assert (stale.json()["title"], after.json()["title"]) == ("Before", "Behind its back")


class TestEstimates:
    def test_hold_the_truth_about_as_often_as_they_say(self) -> None:
        chance = random.Random(7)
        inside = 0
        for seed in range(60):
            samples = [(chance.expovariate(1.0), 0, 1) for _ in range(200)]
            (median,) = estimates(samples, (0.5,), seed)
            assert median.low is not None and median.high is not None
            inside += median.low <= 0.6931 <= median.high

        assert 51 <= inside <= 60

    def test_count_a_sample_for_as_many_answers_as_it_stands_for(self) -> None:
        (median,) = estimates([(1.0, 0, 64), *[(9.0, 3, 1)] * 30], (0.5,))

        assert median.value == 1.0
