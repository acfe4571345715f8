"""What Redis has beside entries: whatever is put there, answers are the database's, and none of them is a 5xx."""

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from tests.api import PASSWORD, a_meeting
from tests.security.redis_content.conftest import Stage

PATH = "/api/meetings/"
KINDS = {
    "tokens": r"mina:{tags}:token:*",
    "the register of leases on memory": r"mina:{tags}:register",
    "limits": "*limits*",
}


async def as_a_list(redis: Redis, name: str) -> None:
    await redis.delete(name)
    await redis.rpush(name, "x")


async def as_text(redis: Redis, name: str) -> None:
    await redis.set(name, b"\xff!hostile")


Spoil = Callable[[Redis, str], Awaitable[None]]


class TestState:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("spoil", [as_a_list, as_text])
    async def test_that_is_not_ours_costs_speed_and_no_answer(self, stage: Stage, kind: str, spoil: Spoil) -> None:
        form = {"username": "ada@example.com", "password": PASSWORD}
        await stage.ada.get(PATH)
        await stage.ops.post("/api/auth/token", data={**form, "password": "wrong"})
        names = [name.decode() async for name in stage.redis.scan_iter(KINDS[kind])]
        assert names
        for name in names:
            await spoil(stage.redis, name)

        before = await stage.ada.get(PATH)
        meeting = await a_meeting(stage.ada, title="Afterwards")
        listed = await stage.ada.get(PATH)
        signed_in = await stage.ops.post("/api/auth/token", data=form)

        assert [each.status_code for each in (before, listed, signed_in)] == [200] * 3
        assert meeting in [each["id"] for each in listed.json()["items"]]

    @pytest.mark.parametrize("command", [("RPUSH", "x"), ("SET", "another's")])
    async def test_of_a_lease_that_nobody_gives_back_ends_no_answer(
        self, stage: Stage, command: tuple[str, str]
    ) -> None:
        user = (await stage.ada.get("/api/auth/me")).json()["id"]
        await stage.ada.get(PATH)
        key = await stage.key(f"list_meetings:user:{user}:")
        await stage.redis.delete(key)
        await stage.redis.execute_command(  # type: ignore[no-untyped-call]
            command[0], f"mina:lease:{{{key}}}", command[1]
        )

        assert (await stage.ada.get(PATH)).status_code == 200

    async def test_of_a_hold_that_is_none_fails_no_write_and_hides_none(self, stage: Stage) -> None:
        workspace = (await stage.ada.get("/api/auth/me")).json()["workspace"]["id"]
        await stage.redis.rpush(f"mina:{{tags}}:hold:ws:{workspace}:meetings", "x")

        meeting = await a_meeting(stage.ada, title="Held")
        listed = await stage.ada.get(PATH)

        assert meeting in [each["id"] for each in listed.json()["items"]]
