"""Whatever Redis has under an answer's key, the answer is the database's, and nothing that Redis said of it runs.

Forged entries that repeat everything that Redis knows (key, tags, tokens, epoch) are what encryption is for.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

import pytest

from tests.security.redis_content.conftest import Stage
from tests.security.redis_content.forging import BOMB_BYTES, MARK, Bomb, forgeries, packed
from tests.security.redis_content.peak import peak

PATH = "/api/meetings/?per_page=5"
# Less than half of what a bomb unpacks to, and much more than anything else here takes.
BOUND_BYTES = 128 * 1024 * 1024


@pytest.fixture(scope="module", autouse=True)
def bombs() -> None:
    """Made before any application runs, which would have to wait for that."""
    for tells_size in (True, False):
        packed(BOMB_BYTES, tells_size=tells_size)


async def is_kept(stage: Stage) -> bool:
    """Once it is true, Redis has Ada's list, and gives it."""
    async with asyncio.timeout(60):
        while "; hit" not in (await stage.ada.get(PATH)).headers["cache-status"]:  # noqa: ASYNC110  (Redis may be away)
            await asyncio.sleep(0.05)
    return True


async def hostile(stage: Stage) -> tuple[str, Mapping[str, bytes]]:
    """The key of Ada's list, and what may be put there in its place."""
    ids = [(await client.get("/api/auth/me")).json()["id"] for client in (stage.ada, stage.bob)]
    for client in (stage.ada, stage.bob):
        await client.get(PATH)
    keys = [await stage.key(f"list_meetings:user:{each}:") for each in ids]
    own, others = [await stage.stored(key) for key in keys]
    return keys[0], forgeries(own, others)


class TestAnEntry:
    @pytest.mark.parametrize("accepted", ["identity", "zstd"])
    async def test_that_is_none_is_a_miss_and_never_anothers_nor_run(self, stage: Stage, accepted: str) -> None:
        key, found = await hostile(stage)
        # Who takes zstd is given the frame as it is: whether its inside is sound is theirs to see.
        forged = {name: data for name, data in found.items() if accepted != "zstd" or name != "zstd that is damaged"}
        true = (await stage.ada.get(PATH)).content
        answers = {}

        with peak() as took:
            for name, data in forged.items():
                await stage.redis.set(key, data)
                answers[name] = await stage.ada.get(PATH, headers={"Accept-Encoding": accepted})
                assert await is_kept(stage)

        assert {name: each.status_code for name, each in answers.items() if each.status_code != 200} == {}
        assert [name for name, each in answers.items() if each.content != true] == []
        assert [name for name, each in answers.items() if "fwd=" not in each.headers["cache-status"]] == []
        assert [name for name, each in answers.items() if "set-cookie" in each.headers] == []
        assert Bomb.went_off == 0
        assert took.bytes < BOUND_BYTES

    async def test_that_cannot_be_read_is_counted(self, stage: Stage) -> None:
        key, forged = await hostile(stage)
        unreadable = [forged[name] for name in ("random bytes", "half an entry", "a bomb that says no size")]
        before = stage.errors

        for data in unreadable:
            assert await is_kept(stage)
            await stage.redis.set(key, data)
            await stage.ada.get(PATH)

        assert stage.errors == before + len(unreadable)

    async def test_that_is_none_can_be_looked_at_and_deleted(self, stage: Stage) -> None:
        key, forged = await hostile(stage)
        address = f"/ops/cache/keys/{quote(key)}"
        failed = {}
        for name, data in forged.items():
            await stage.redis.set(key, data)
            asked = [await stage.ops.get("/ops/cache/keys"), await stage.ops.get(address)]
            # An admin is shown an entry of their workspace, and no other's.
            asked += [await stage.ada.get("/ops/cache/keys"), await stage.ada.get(address)]
            asked.append(await stage.ops.delete(address))
            if found := [each.status_code for each in asked if each.status_code not in (200, 204, 404)]:
                failed[name] = found

        assert failed == {}

    async def test_of_another_type_is_a_miss(self, stage: Stage) -> None:
        key, _ = await hostile(stage)
        for command in (("RPUSH", key, MARK), ("HSET", key, "a", MARK), ("ZADD", key, "1", MARK)):
            await stage.redis.delete(key)
            await stage.redis.execute_command(*command)  # type: ignore[no-untyped-call]

            answer = await stage.ada.get(PATH)

            assert (answer.status_code, MARK in answer.text) == (200, False)

    async def test_larger_than_any_is_not_taken_into_memory(self, stage: Stage) -> None:
        key, _ = await hostile(stage)
        true = (await stage.ada.get(PATH)).content
        await stage.redis.setrange(key, 400 * 1024 * 1024, "x")

        with peak() as took:
            answer = await stage.ada.get(PATH)

        assert (answer.status_code, answer.content) == (200, true)
        assert took.bytes < BOUND_BYTES
