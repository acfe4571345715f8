"""Levels that are set while the workers run."""

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.dev.valkey import PrivateValkey
from tests.api import OPS_TOKEN, a_client, a_settings, running
from tests.ops.conftest import until

PATH = "/ops/logs/mina_api.cache"
LOGGER = logging.getLogger("mina_api.cache")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The level is what it was when the test ends."""
    level = LOGGER.level
    yield
    assert LOGGER.level == level


def levels(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.text
    return [(item["logger"], item["level"]) for item in answer.json()["items"]]


class TestLogLevels:
    async def test_are_those_of_every_worker_until_unset(self, app: FastAPI, ops: httpx.AsyncClient) -> None:
        put = await ops.put(PATH, json={"level": "DEBUG"})
        at_once = LOGGER.level
        # What another worker would find in the next second.
        LOGGER.setLevel(logging.NOTSET)
        app.state.operations.log_levels._before.clear()
        await until(lambda: _level(), lambda level: level == logging.DEBUG)
        listed = await ops.get("/ops/logs")
        unset = await ops.delete(PATH)

        assert levels(put) == levels(listed) == [("mina_api.cache", "DEBUG")]
        assert put.json()["scope"] == "all workers"
        assert (at_once, levels(unset), LOGGER.level) == (logging.DEBUG, [], logging.NOTSET)

    async def test_show_every_hit_of_the_cache_at_debug(
        self, ops: httpx.AsyncClient, ada: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        await ops.put(PATH, json={"level": "DEBUG"})
        for _ in range(4):
            await ada.get("/api/analytics/dashboard")
        await ops.delete(PATH)

        hits = [line for line in caplog.messages if line.startswith("hit: mina:analytics:")]
        assert len(hits) >= 3

    async def test_end_by_themselves(self, ops: httpx.AsyncClient, clock: FakeClock) -> None:
        await ops.put(PATH, json={"level": "DEBUG", "seconds": 600})
        clock.advance(601)

        await until(lambda: _level(), lambda level: level == logging.NOTSET)
        assert levels(await ops.get("/ops/logs")) == []

    async def test_are_this_workers_while_redis_is_away(
        self, database_url: str, private_valkey: PrivateValkey, clock: FakeClock
    ) -> None:
        async with (
            running(create_app(a_settings(database_url, private_valkey.url), clock=clock)) as app,
            a_client(app, OPS_TOKEN) as ops,
        ):
            private_valkey.stop()
            put = await ops.put(PATH, json={"level": "ERROR"})
            listed = await ops.get("/ops/logs")

            assert (put.json()["scope"], levels(listed), LOGGER.level) == (
                "this worker",
                [("mina_api.cache", "ERROR")],
                logging.ERROR,
            )

    @pytest.mark.parametrize(
        ("name", "body"),
        [
            ("sqlalchemy.engine", {"level": "DEBUG"}),
            ("mina_api.cache", {"level": "LOUD"}),
            ("mina_api.cache", {"level": "DEBUG", "seconds": 0}),
        ],
    )
    async def test_are_refused_where_they_make_no_sense(
        self, ops: httpx.AsyncClient, name: str, body: dict[str, Any]
    ) -> None:
        assert (await ops.put(f"/ops/logs/{name}", json=body)).status_code == 422
        assert levels(await ops.get("/ops/logs")) == []

    async def test_take_the_ops_token(self, ada: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
        assert (await ada.put(PATH, json={"level": "DEBUG"})).status_code == 403
        assert (await client.put(PATH, json={"level": "DEBUG"})).status_code == 401


async def _level() -> int:
    return LOGGER.level
