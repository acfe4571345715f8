"""Migrations, run by the program itself; two processes that migrate at once take turns (an advisory lock)."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alembic.config import Config

from alembic import command


class MigrationsMissing(Exception):
    """The migration scripts are not beside the package, nor in the working directory."""


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the schema to `revision`; blocks. Alembic's environment runs a loop of its own, hence the thread."""
    with ThreadPoolExecutor(1) as executor:
        executor.submit(command.upgrade, configuration(database_url), revision).result()


def configuration(database_url: str) -> Config:
    """Alembic's configuration for `database_url`; raises MigrationsMissing."""
    for directory in (Path(__file__).parents[2], Path.cwd()):
        if (directory / "alembic.ini").exists():
            settings = Config(directory / "alembic.ini")
            settings.attributes["database_url"] = database_url
            return settings
    raise MigrationsMissing("alembic.ini is not here: run this from Mina's directory")
