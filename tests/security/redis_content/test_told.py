"""What workers tell each other through Redis: whatever is put there, operators get an answer, with what is sound."""

import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from mina_api.ops.dashboard import _figures
from tests.security.redis_content.conftest import Stage, Staging
from tests.security.redis_content.garbage import OTHER_TYPES, PLACES, STATE, TODAY, become, garbage


@pytest.fixture
async def stage(staging: Staging) -> AsyncIterator[Stage]:
    """Answers are sampled, and hardly anybody's are without the cache."""
    async with staging(control_share=0.0001) as set_up:
        await set_up.ada.get("/api/meetings/")
        yield set_up


def key_of(stage: Stage, name: str) -> str:
    return f"{STATE}uses:{stage.day}" if name == TODAY else name


async def walk(stage: Stage) -> dict[str, int]:
    """The status of every operation that reads what workers tell; what works in the background raises nothing."""
    ops, operations = stage.ops, stage.app.state.operations
    listed = await ops.get("/ops/cache/keys")
    asked = {"GET /ops/cache/keys": listed.status_code}
    for item in listed.json()["items"][:3] if listed.status_code == 200 else []:
        asked["GET /ops/cache/keys/…"] = (await ops.get(f"/ops/cache/keys/{quote(item['key'])}")).status_code
    for path in ("/ops/cache/stats", "/ops/experiments", "/ops/alerts", "/ops/logs", "/ops/health", "/metrics"):
        asked[f"GET {path}"] = (await ops.get(path)).status_code
    warmed = await ops.post("/ops/cache/warm?limit=5")
    asked["POST /ops/cache/warm"] = warmed.status_code
    assert "event: done" in warmed.text
    # An admin is shown what is of their workspace: what is used is looked at for that.
    asked["POST /ops/cache/warm as an admin"] = (await stage.ada.post("/ops/cache/warm?limit=5")).status_code
    asked["PUT /ops/logs"] = (await ops.put("/ops/logs/mina_api.ops", json={"level": "INFO"})).status_code
    asked["DELETE /ops/logs"] = (await ops.delete("/ops/logs/mina_api.ops")).status_code
    await _figures(operations, is_everything=True)
    await operations.watch.evaluate()
    await stage.app.state.cache._recorder.record()
    return asked


def failures(answers: dict[str, int]) -> dict[str, int]:
    return {name: status for name, status in answers.items() if status not in (200, 204)}


class TestGarbage:
    @pytest.mark.parametrize("place", PLACES)
    async def test_is_left_out(self, stage: Stage, place: str) -> None:
        name, put, shape = PLACES[place]
        name = key_of(stage, name)
        failed = {}
        for data in garbage(shape):
            await put(stage.redis, name, data)
            if found := failures(await walk(stage)):
                failed[data[:100]] = found
            await stage.redis.delete(name)

        assert failed == {}
        assert (await stage.ops.get("/ops/cache/stats")).json()["scope"] == "all workers"
        assert (await stage.ops.post("/ops/cache/stats/reset")).status_code == 200

    @pytest.mark.parametrize("name", sorted({name for name, _, _ in PLACES.values()}))
    async def test_of_another_type_is_replaced(self, stage: Stage, name: str) -> None:
        key = key_of(stage, name)
        for form in OTHER_TYPES:
            await become(stage.redis, key, *form)

            assert failures(await walk(stage)) == {}
            assert (await stage.ops.get("/ops/cache/stats")).json()["scope"] == "all workers"

        assert (await stage.ops.post("/ops/cache/stats/reset")).status_code == 200

    async def test_is_logged_once(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        for number in range(3):
            await stage.redis.hset(f"{STATE}counts", f"name{number}", "x")
            await walk(stage)

        told = [each for each in caplog.records if "left out" in each.getMessage() and "counts" in each.getMessage()]
        assert len(told) == 1

    async def test_hides_nothing_that_is_sound(self, stage: Stage) -> None:
        for name, put, _ in PLACES.values():
            for data in (b"{", b"NaN", b"\xff"):
                await put(stage.redis, key_of(stage, name), data)
        before = (await stage.ops.get("/ops/cache/stats")).json()
        for _ in range(5):
            await stage.ada.get("/api/meetings/")
        await stage.ops.put("/ops/logs/mina_api.ops", json={"level": "INFO"})

        after = (await stage.ops.get("/ops/cache/stats")).json()

        assert after["workers"] == 1
        assert after["total_requests"] + after["bypasses"] >= before["total_requests"] + before["bypasses"] + 5
        assert [each["logger"] for each in (await stage.ops.get("/ops/logs")).json()["items"]] == ["mina_api.ops"]
        samples = (await stage.ops.get("/ops/experiments")).json()["arms"]
        assert sum(each["samples"] for each in samples) > 5

    async def test_of_far_too_many_fields_is_begun_anew(self, stage: Stage) -> None:
        for name in ("counts", "workers"):
            for begin in range(0, 200_000, 10_000):
                many: dict[Any, Any] = {f"{name}{number}": "1" for number in range(begin, begin + 10_000)}
                await stage.redis.hset(f"{STATE}{name}", mapping=many)

        assert failures(await walk(stage)) == {}
        assert (await stage.ops.get("/ops/cache/stats")).json()["workers"] == 1
        assert await stage.redis.hlen(f"{STATE}counts") < 1000

    async def test_in_the_place_of_a_turn_ends(self, stage: Stage) -> None:
        """Somebody else's turn that has no end would leave the alerts as they are for ever."""
        ledger = stage.app.state.operations.ledger
        for command in (("SET", "1"), ("RPUSH", "1")):
            await become(stage.redis, f"{STATE}note:turn:t", *command)

            assert await ledger.take_turn("t", 60)
            assert not await ledger.take_turn("t", 60)

    async def test_in_the_place_of_what_was_told_last_stops_no_counts(self, stage: Stage) -> None:
        process = stage.app.state.operations.teller.process
        for command in (("SET", "x"), ("RPUSH", "x")):
            before = (await stage.ops.get("/ops/cache/stats")).json()["total_requests"]
            await become(stage.redis, f"{STATE}told:{process}", *command)
            await stage.ada.get("/api/meetings/")

            assert (await stage.ops.get("/ops/cache/stats")).json()["total_requests"] > before


class TestNames:
    async def test_of_no_entry_of_ours_are_not_listed(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.ERROR)
        before = (await stage.ops.get("/ops/cache/keys")).json()["items"]
        for name in (b"mina:\xff\xfe:a#1", b"mina:temp:\x1b[2J\n#1", b"mina:", b"mina::", b"mina:" + b"x" * 100_000):
            await stage.redis.set(name, "x")
        await stage.redis.rpush("mina:temp:list#1", "x")

        answer = await stage.ops.get("/ops/cache/keys?limit=500")

        assert answer.status_code == 200
        assert {each["key"] for each in before} <= {each["key"] for each in answer.json()["items"]}
        assert not any("\x1b" in each["key"] or "xxx" in each["key"] for each in answer.json()["items"])
        for path in ("mina:", "mina::", "mina:temp:list%231", "mina:temp:%1b%231"):
            assert (await stage.ops.get(f"/ops/cache/keys/{path}")).status_code in (200, 404)
            assert (await stage.ops.delete(f"/ops/cache/keys/{path}")).status_code in (204, 404)
