"""However many ask, Postgres sees so many loads, and who asks for little is answered."""

import asyncio

import asyncpg
import httpx

from mina_api.app import create_app
from tests.api import a_settings, register, running
from tests.cache.services import until
from tests.measured import Measured

LIMIT, WAITING = 2, 10
IN_POSTGRES = "SELECT count(*) = $1 FROM pg_locks WHERE relation = 'meetings'::regclass AND NOT granted"


class TestLoads:
    async def test_of_one_user_are_bounded_and_keep_no_other_waiting(
        self, database_url: str, valkey_url: str, measured: Measured
    ) -> None:
        settings = a_settings(database_url, valkey_url, max_concurrent_loads=LIMIT, max_waiting_loads=WAITING)
        console = await asyncpg.connect(database_url, command_timeout=60)
        async with running(create_app(settings)) as app:
            ada, bob = await register(app, "ada@example.com"), await register(app, "bob@example.com")
            # Who asks is known from here on.
            known = [await each.get("/api/auth/me") for each in (ada, bob)]
            await console.execute("BEGIN; LOCK TABLE meetings IN ACCESS EXCLUSIVE MODE")

            many = [asyncio.create_task(ada.get(f"/api/meetings?per_page={number + 1}")) for number in range(40)]
            await until(lambda: _done(many) == 40 - LIMIT - WAITING)
            await until(lambda: console.fetchval(IN_POSTGRES, LIMIT))
            one = asyncio.create_task(bob.get("/api/meetings"))
            await until(lambda: _done(many) == 40 - LIMIT - WAITING + 1)
            is_bounded = await console.fetchval(IN_POSTGRES, LIMIT)
            await console.execute("COMMIT")
            answers = await asyncio.gather(*many)
            answer = await one
            for each in (ada, bob):
                await each.aclose()
        await console.close()

        measured.slowest("slowest refusal", (each for each in answers if each.status_code == 503))
        assert is_bounded
        assert (answer.status_code, {each.status_code for each in known}) == (200, {200})
        assert [_count(answers, status) for status in (200, 503)] == [LIMIT + WAITING - 1, 40 - LIMIT - WAITING + 1]


def _done(tasks: list["asyncio.Task[httpx.Response]"]) -> int:
    return sum(task.done() for task in tasks)


def _count(answers: list[httpx.Response], status: int) -> int:
    return sum(answer.status_code == status for answer in answers)
