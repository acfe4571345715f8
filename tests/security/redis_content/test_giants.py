"""Values far larger than any of ours, wherever Redis is read: a worker takes none of them into memory."""

from collections.abc import Callable
from typing import Any

import pytest

from mina_api.cache.tier import TierUnavailable
from tests.cache.services import until
from tests.security.redis_content.conftest import Stage, Staging
from tests.security.redis_content.peak import peak

PATH = "/api/meetings/?per_page=5"
GIANT_BYTES = 64 * 1024 * 1024
# Of all that is read meanwhile; what is asked for takes some kilobytes.
BOUND_BYTES = 12 * 1024 * 1024
STATE = "mina:{tags}:"


async def sent_bytes(stage: Stage) -> int:
    """What the server has sent to all its clients."""
    return int((await stage.redis.info("stats"))["total_net_output_bytes"])


async def as_text(stage: Stage, name: str) -> None:
    await stage.redis.delete(name)
    await stage.redis.setrange(name, GIANT_BYTES, "x")


async def of_the_list(stage: Stage) -> tuple[str, bytes]:
    """The key of Ada's list, which is in Redis, and the answer."""
    user = (await stage.ada.get("/api/auth/me")).json()["id"]
    true = (await stage.ada.get(PATH)).content
    return await stage.key(f"list_meetings:user:{user}:"), true


class TestAGiant:
    async def test_in_an_entrys_place_is_a_miss_and_is_replaced(self, stage: Stage) -> None:
        key, true = await of_the_list(stage)
        await as_text(stage, key)
        before = await sent_bytes(stage)

        with peak() as took:
            answers = [await stage.ada.get(PATH) for _ in range(2)]

        assert [(each.status_code, each.content) for each in answers] == [(200, true)] * 2
        assert ["hit" in each.headers["cache-status"] for each in answers] == [False, True]
        assert "fwd=uri-miss" in answers[0].headers["cache-status"]
        assert await sent_bytes(stage) - before < BOUND_BYTES
        assert took.bytes < GIANT_BYTES

    async def test_in_a_tokens_place_is_a_miss_and_is_replaced(self, stage: Stage) -> None:
        _, true = await of_the_list(stage)
        names = [name.decode() async for name in stage.redis.scan_iter(f"{STATE}token:*".replace("{", "\\{"))]
        assert names
        for name in names:
            await as_text(stage, name)
        before = await sent_bytes(stage)

        with peak() as took:
            answers = [await stage.ada.get(PATH) for _ in range(3)]

        assert [(each.status_code, each.content) for each in answers] == [(200, true)] * 3
        assert "hit" in answers[-1].headers["cache-status"]
        assert stage.app.state.cache.is_available
        assert await sent_bytes(stage) - before < BOUND_BYTES
        assert took.bytes < GIANT_BYTES

    async def test_where_nothing_looks_at_sizes_ends_the_connection(self, stage: Stage) -> None:
        """Whoever asked is told that Redis is away, and it is found again."""
        await as_text(stage, "giant")
        tier = stage.app.state.operations.ledger._tier

        with peak() as took, pytest.raises(TierUnavailable, match="larger than"):
            await tier.call("GET", "giant")

        assert took.bytes < GIANT_BYTES


# Of more than 32 MB, the server itself ends the connection (`client-output-buffer-limit`).
SHOUT_BYTES = 24 * 1024 * 1024
SHOUT = f"return redis.call('PUBLISH', KEYS[1], string.rep('x', {SHOUT_BYTES}))"


class TestAGiantMessage:
    async def test_ends_the_connection_that_listens_and_another_one_listens(
        self, staging: Staging, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What memory has is dropped meanwhile: an invalidation may have been missed."""
        async with staging(memory_bytes=1_000_000) as stage:
            cache = stage.app.state.cache
            _, true = await of_the_list(stage)
            await until(lambda: cache.serves_from_memory)

            with peak() as took:
                heard = await stage.redis.eval(SHOUT, 1, f"{STATE}forget")
                await until(lambda: "a reply is larger than" in capsys.readouterr().err)
                await until(lambda: cache.serves_from_memory)
            answers = [await stage.ada.get(PATH) for _ in range(2)]

        assert heard >= 1
        assert took.bytes < SHOUT_BYTES
        assert [(each.status_code, each.content) for each in answers] == [(200, true)] * 2


Put = Callable[[Stage, Any], Any]
GIANT = "x" * GIANT_BYTES
PLACES: dict[str, Put] = {
    "a count": lambda stage, giant: stage.redis.hset(f"{STATE}counts", "endpoint|giant|hits", giant),
    "a count's name": lambda stage, giant: stage.redis.hset(f"{STATE}counts", giant, "1"),
    "a worker": lambda stage, giant: stage.redis.hset(f"{STATE}workers", "giant", giant),
    "an alert": lambda stage, giant: stage.redis.set(f"{STATE}note:alerts", giant),
    "log levels": lambda stage, giant: stage.redis.set(f"{STATE}note:log-levels", giant),
    "points": lambda stage, giant: stage.redis.lpush(f"{STATE}series:points", giant),
    "samples": lambda stage, giant: stage.redis.lpush(f"{STATE}series:samples:cache", giant),
    "what is used": lambda stage, giant: stage.redis.zadd(f"{STATE}uses:{stage.day}", {giant: 1e9}),
}
ASKED = ("/ops/cache/stats", "/ops/experiments", "/ops/logs", "/ops/alerts", "/metrics", "/ops/cache/keys")


class TestAGiantAmongWhatWorkersTell:
    @pytest.mark.parametrize("place", PLACES)
    async def test_is_left_out(self, stage: Stage, place: str) -> None:
        await PLACES[place](stage, GIANT)
        before = await sent_bytes(stage)

        with peak() as took:
            answers = {path: (await stage.ops.get(path)).status_code for path in ASKED}
            await stage.app.state.operations.watch.evaluate()
            warmed = await stage.ops.post("/ops/cache/warm?limit=1000")

        assert answers == dict.fromkeys(ASKED, 200)
        assert "event: done" in warmed.text
        assert (await stage.ops.get("/ops/cache/stats")).json()["scope"] == "all workers"
        assert stage.app.state.cache.is_available
        assert await sent_bytes(stage) - before < BOUND_BYTES
        assert took.bytes < GIANT_BYTES
