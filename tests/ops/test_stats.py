"""The cache's figures over all workers: added exactly once, whatever becomes of a worker or of Redis."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from mina_api.app import create_app
from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.stats import LATENCY_BUCKETS, percentile
from mina_api.cache.testing import FakeClock
from mina_api.cache.tier import TierUnavailable
from mina_api.dev.valkey import PrivateValkey
from tests.api import OPS_TOKEN, SignUp, a_client, a_settings, register, running
from tests.ops.conftest import Started, until

PATH = "/api/analytics/dashboard?days=7"
# A request that no shortcut answers, which the tests' clients would ask twice.
LONG_WAY = {"Pragma": "x"}
ENDPOINT = "api_analytics.get_dashboard_analytics"
FIELDS = {"hits", "misses", "sets", "deletes", "errors", "total_requests", "hit_rate", "uptime_seconds"}


async def stats(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/ops/cache/stats")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestStats:
    async def test_have_the_fields_of_the_contract(self, ops: httpx.AsyncClient) -> None:
        found = await stats(ops)

        assert FIELDS | {"by_prefix", "by_endpoint", "by_tier", "latency_ms"} <= set(found)
        assert (found["total_requests"], found["hit_rate"], found["scope"]) == (0, 0.0, "all workers")

    async def test_count_each_request_once_by_endpoint_prefix_and_tier(
        self, ops: httpx.AsyncClient, ada: httpx.AsyncClient
    ) -> None:
        for _ in range(10):
            await ada.get(PATH, headers=LONG_WAY)

        found = await stats(ops)

        group = {"hits": 9, "misses": 1, "bypasses": 0, "hit_rate": 0.9}
        assert found["by_endpoint"][ENDPOINT] == found["by_prefix"]["analytics"] == group
        assert (found["hits"], found["misses"], found["total_requests"], found["hit_rate"]) == (9, 1, 10, 0.9)
        assert sum(found["by_tier"].values()) == found["by_outcome"]["hit"] == 9
        assert found["latency_ms"]["all"]["count"] == 10
        assert 0 < found["latency_ms"]["miss"]["p50"] <= found["latency_ms"]["miss"]["p99"]

    async def test_are_of_all_workers_and_outlive_them(
        self, app: FastAPI, settings: Any, clock: FakeClock, ops: httpx.AsyncClient, ada: httpx.AsyncClient
    ) -> None:
        await ada.get(PATH)
        token = ada.headers["authorization"].split()[1]
        async with running(create_app(settings, clock=clock)) as other, a_client(other, token) as there:
            for _ in range(4):
                await there.get(PATH, headers=LONG_WAY)
            both = await until(lambda: stats(ops), lambda found: found["total_requests"] >= 5)
        after = await stats(ops)

        assert both["workers"] == 2
        assert (after["workers"], after["misses"], after["total_requests"]) == (1, 1, both["total_requests"])

    async def test_begin_anew_for_every_worker(
        self, worker: Started, ops: httpx.AsyncClient, ada: httpx.AsyncClient
    ) -> None:
        async with a_client(await worker(), ada.headers["authorization"].split()[1]) as there:
            for _ in range(3):
                await there.get(PATH, headers=LONG_WAY)
            reset = await ops.post("/ops/cache/stats/reset")
            await there.get(PATH, headers=LONG_WAY)
            found = await until(lambda: stats(ops), lambda found: found["total_requests"] > 0)

        assert (reset.status_code, reset.json()["total_requests"]) == (200, 0)
        assert (found["total_requests"], found["misses"]) == (1, 0)

    async def test_are_added_once_however_often_they_are_told(
        self, app: FastAPI, ops: httpx.AsyncClient, ada: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tell = RedisLedger.tell
        lost: list[int] = []

        async def lose_reply(self: RedisLedger, process: str, number: int, *rest: Any) -> None:
            await tell(self, process, number, *rest)
            if len(lost) < 3:
                lost.append(number)
                raise TierUnavailable("the reply is lost")

        monkeypatch.setattr(RedisLedger, "tell", lose_reply)
        await ada.get(PATH)
        found = await until(lambda: stats(ops), lambda found: found["scope"] == "all workers")

        assert len(lost) == 3
        assert (found["total_requests"], found["misses"]) == (1, 1)

    async def test_are_the_workers_own_while_redis_is_away_and_told_later(
        self, database_url: str, private_valkey: PrivateValkey, clock: FakeClock
    ) -> None:
        settings = a_settings(database_url, private_valkey.url)
        async with running(create_app(settings, clock=clock)) as app, a_client(app, OPS_TOKEN) as ops:
            ada = await register(app, "ada@example.com")
            private_valkey.stop()
            await until(lambda: stats(ops), lambda found: found["scope"] == "this worker")
            assert (await ada.get(PATH)).status_code == 200
            alone = await stats(ops)
            private_valkey.start()
            found = await until(lambda: stats(ops), lambda found: found["scope"] == "all workers")
            await ada.aclose()

        assert (alone["misses"], alone["since"]) == (1, None)
        assert found["misses"] == 1


class TestAccess:
    @pytest.mark.parametrize("token", [None, "wrong", OPS_TOKEN[:-1], OPS_TOKEN + "x"])
    async def test_is_nobodys_without_credentials(self, app: FastAPI, token: str | None) -> None:
        async with a_client(app, token) as client:
            answer = await client.get("/ops/cache/stats")

        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")

    async def test_is_an_admins_but_no_members(self, sign_up: SignUp, ada: httpx.AsyncClient) -> None:
        bob = await sign_up("bob@example.com")
        ada_id = (await ada.get("/api/auth/me")).json()["workspace"]["id"]
        added = await ada.post(f"/api/workspaces/{ada_id}/members", json={"email": "bob@example.com", "role": "member"})
        entered = await bob.put("/api/workspaces/current", json={"workspace_id": ada_id})

        assert (added.status_code, entered.status_code) == (201, 204), (added.text, entered.text)
        assert (await ada.get("/ops/cache/stats")).status_code == 200
        assert (await bob.get("/ops/cache/stats")).status_code == 403


class TestPercentiles:
    def test_are_interpolated_within_a_bucket(self) -> None:
        buckets = [0] * (len(LATENCY_BUCKETS) + 1)
        buckets[LATENCY_BUCKETS.index(1.0)] = 10
        buckets[-1] = 1

        assert percentile(buckets, 0.5) == pytest.approx(0.5 + 0.5 * 5.5 / 10)
        assert percentile(buckets, 0.99) == LATENCY_BUCKETS[-1]
        assert percentile([0] * len(buckets), 0.5) is None
