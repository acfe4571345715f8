"""`mina migrate`: the database's schema, brought up to date."""

from mina_api.cli.output import Failure
from mina_api.db.migrations import MigrationsMissing, upgrade
from mina_api.settings import SettingsError, load_database_settings


def migrate() -> None:
    """Bring the schema of DATABASE_URL to the newest revision."""
    try:
        upgrade(load_database_settings().plain_listen_url)
    except SettingsError as mistakes:
        raise Failure(*mistakes.lines) from None
    except MigrationsMissing as missing:
        raise Failure(str(missing)) from None
    except OSError as failure:
        raise Failure(f"Postgres cannot be reached: {failure}", code=1) from None
