"""Alerts: rules with hysteresis, evaluated over the counts of all workers."""

import httpx
import pytest
from fastapi import FastAPI

from mina_api.ops.rules import ERRORS, HIT_RATE, LATENCY, MEMORY, Point, values
from tests.api import OPS_TOKEN, a_client

NO_BUCKETS = (0,) * 17


def a_point(at: float, *, hits: int = 0, misses: int = 0, errors: int = 0) -> Point:
    return Point(at, hits, misses, errors, NO_BUCKETS)


class TestRules:
    @pytest.mark.parametrize(
        ("rule", "course"),
        [
            (HIT_RATE, [(0.8, "ok"), (0.6, "warning"), (0.49, "firing"), (0.55, "firing"), (0.61, "warning")]),
            (LATENCY, [(4.0, "ok"), (49.0, "warning"), (51.0, "firing"), (45.0, "firing"), (39.0, "warning")]),
            (MEMORY, [(0.7, "ok"), (0.85, "warning"), (0.91, "firing"), (0.86, "firing"), (0.8, "ok")]),
            (ERRORS, [(0, "ok"), (10, "warning"), (11, "firing"), (6, "firing"), (5, "warning"), (0, "ok")]),
        ],
    )
    def test_fire_beyond_the_threshold_and_end_nearer_to_the_target(
        self, rule: object, course: list[tuple[float, str]]
    ) -> None:
        state = "ok"
        for value, expected in course:
            state = rule.next_state(state, value)  # type: ignore[attr-defined]
            assert state == expected, value

    def test_keep_firing_where_nothing_is_known(self) -> None:
        assert (MEMORY.next_state("firing", None), MEMORY.next_state("warning", None)) == ("firing", "ok")

    def test_look_at_five_minutes_and_at_an_hour(self) -> None:
        points = [
            a_point(7000, hits=130, misses=370, errors=30),
            a_point(6700, hits=100, misses=300, errors=25),
            a_point(3300, hits=90, misses=10, errors=8),
        ]

        found = values(points, 0.5)

        assert found == {"hit_rate": 0.3, "latency": None, "memory": 0.5, "errors": 22.0}

    def test_say_nothing_of_the_rate_of_few_requests_and_survive_a_reset(self) -> None:
        assert values([a_point(10, hits=1, misses=9)], None)["hit_rate"] is None
        assert values([a_point(400, hits=30), a_point(90, hits=500, misses=500)], None)["hit_rate"] == 1.0


class TestAlerts:
    async def test_fire_on_what_all_workers_count_and_advise(
        self, app: FastAPI, ops: httpx.AsyncClient, ada: httpx.AsyncClient
    ) -> None:
        for days in range(1, 25):
            await ada.get(f"/api/analytics/dashboard?days={days}")
        await app.state.operations.watch.evaluate()

        found = (await ops.get("/ops/alerts")).json()

        alert = next(each for each in found["alerts"] if each["name"] == "hit_rate")
        assert (alert["state"], alert["value"], alert["threshold"]) == ("firing", 0.0, 0.5)
        assert all(alert["advice"][part] for part in ("cause", "solution", "impact"))
        assert {each["name"] for each in found["alerts"]} == {"hit_rate", "latency", "memory", "errors"}
        assert found["scope"] == "all workers" and alert["since"] <= found["evaluated_at"]

    async def test_are_not_everybodys(self, app: FastAPI) -> None:
        async with a_client(app, "x" + OPS_TOKEN) as stranger:
            assert (await stranger.get("/ops/alerts")).status_code == 401
