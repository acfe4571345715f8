import os
import sys
from asyncio import create_subprocess_exec
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from alembic import command
from mina_api.db.migrations import configuration, upgrade


class TestMigrations:
    async def test_make_the_tables_that_the_models_describe(self, database_url: str) -> None:
        run(command.check, database_url)

    async def test_go_down_and_up_again(self, database_url: str) -> None:
        run(command.downgrade, database_url, "base")
        upgrade(database_url)

        run(command.check, database_url)

    async def test_of_two_processes_take_turns(self, database_url: str) -> None:
        run(command.downgrade, database_url, "base")
        migrate = [sys.executable, "-m", "mina_api.cli", "migrate"]

        environment = {**os.environ, "DATABASE_URL": database_url}
        both = [await create_subprocess_exec(*migrate, env=environment) for _ in range(2)]

        assert [await each.wait() for each in both] == [0, 0]
        run(command.check, database_url)


def run(step: Callable[..., object], database_url: str, *arguments: str) -> None:
    """One of alembic's commands, in a thread of its own: its environment runs a loop."""
    with ThreadPoolExecutor(1) as executor:
        executor.submit(step, configuration(database_url), *arguments).result()
