"""Redis or Valkey: where it is and how patiently it is asked."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from mina_api.settings.group import Group

REDIS_SCHEMES = (
    *("redis://", "redis+sentinel://", "redis+cluster://"),
    *("rediss://", "rediss+sentinel://", "rediss+cluster://"),
    "unix://",
)


class RedisSettings(Group):
    """Redis or Valkey; an empty URL means that there is none, and everything is answered from Postgres."""

    model_config = SettingsConfigDict(env_prefix="MINA_REDIS_")

    url: SecretStr = Field(
        SecretStr(""),
        validation_alias="REDIS_URL",
        description="redis://user:password@host:port/0, redis+sentinel://h1,h2/name/0, redis+cluster://h1,h2,"
        " unix:///socket, rediss for TLS; empty: no Redis",
    )
    max_connections: int = Field(50, ge=1, description="connections of each worker's pool")
    connect_timeout_seconds: float = Field(0.25, gt=0, description="wait for a new connection")
    command_timeout_seconds: float = Field(0.15, gt=0, description="wait for a reply, then the breaker opens")
    ca_file: Path | None = Field(None, description="PEM of who vouches for the server; none: who the system trusts")
    certificate_file: Path | None = Field(None, description="PEM of our own certificate, where the server asks for one")
    key_file: Path | None = Field(None, description="PEM of its key")

    @field_validator("url")
    @classmethod
    def _is_redis(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not url.get_secret_value().startswith(REDIS_SCHEMES):
            raise ValueError(f"must start with one of {', '.join(REDIS_SCHEMES)}, or be empty for no Redis")
        return url
