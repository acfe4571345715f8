"""Postgres: where it is and how patiently it is asked."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from mina_api.settings.group import Group

POSTGRES_SCHEMES = ("postgresql+asyncpg://", "postgresql://", "postgres://")


class DatabaseSettings(Group):
    """Postgres: where it is and how patiently it is asked."""

    model_config = SettingsConfigDict(env_prefix="MINA_DATABASE_")

    url: SecretStr = Field(validation_alias="DATABASE_URL", description="postgresql://user:password@host:port/database")
    listen_url: SecretStr | None = Field(
        None,
        description="Postgres itself, for LISTEN and migrations; set it where DATABASE_URL is a PgBouncer in"
        " transaction mode, and only there",
    )
    replica_url: SecretStr | None = Field(
        None, description="a streaming replica, for analytics; asked only for what it has replayed"
    )
    replica_wait_seconds: float = Field(0.05, ge=0, description="wait for the replica to have it, then ask the primary")
    pool_size: int = Field(10, ge=1, le=200, description="connections each worker keeps")
    pool_overflow: int = Field(10, ge=0, le=200, description="connections beyond them under load")
    pool_timeout_seconds: float = Field(5.0, gt=0, description="wait for a free connection, then 503")
    connect_timeout_seconds: float = Field(5.0, gt=0, description="wait for a new connection")
    statement_timeout_seconds: float = Field(15.0, gt=0, description="a statement longer than this is cancelled")

    @field_validator("url", "listen_url", "replica_url")
    @classmethod
    def _is_postgres(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(POSTGRES_SCHEMES):
            raise ValueError("must start with postgresql://")
        return url

    @property
    def sqlalchemy_url(self) -> str:
        """The URL with the asyncpg driver named."""
        return _for_sqlalchemy(self.url)

    @property
    def sqlalchemy_replica_url(self) -> str | None:
        """The replica's URL with the driver named."""
        return None if self.replica_url is None else _for_sqlalchemy(self.replica_url)

    @property
    def plain_url(self) -> str:
        """The URL without a driver, as Postgres itself words it."""
        return _plain(self.url)

    @property
    def plain_listen_url(self) -> str:
        """The URL of Postgres itself, without a driver."""
        return _plain(self.listen_url or self.url)


def _for_sqlalchemy(url: SecretStr) -> str:
    return "postgresql+asyncpg://" + url.get_secret_value().split("://", 1)[1]


def _plain(url: SecretStr) -> str:
    return "postgresql://" + url.get_secret_value().split("://", 1)[1]
