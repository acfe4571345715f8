"""All groups, read from the environment and checked against one another."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import ValidationError, model_validator

from mina_api.settings.auth import AuthSettings
from mina_api.settings.cache import CacheSettings
from mina_api.settings.connections import ConnectionSettings
from mina_api.settings.database import DatabaseSettings
from mina_api.settings.group import Group, SettingsError, explain
from mina_api.settings.http import HttpSettings, RateSettings
from mina_api.settings.live import LiveSettings
from mina_api.settings.observing import LogSettings, TelemetrySettings
from mina_api.settings.redis import RedisSettings


class Settings(Group):
    """All groups, immutable; build with `load_settings`."""

    database: DatabaseSettings
    redis: RedisSettings
    cache: CacheSettings
    auth: AuthSettings
    connections: ConnectionSettings
    live: LiveSettings
    http: HttpSettings
    rate: RateSettings
    log: LogSettings
    telemetry: TelemetrySettings

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.cache.lease_seconds > self.cache.temp_ttl:
            raise ValueError("MINA_CACHE_LEASE_SECONDS must be far shorter than any TTL")
        # A writer waits for them within its transaction.
        if (
            2 * max(self.cache.memory_lease_seconds, self.cache.peer_lease_seconds)
            > self.database.statement_timeout_seconds
        ):
            raise ValueError(
                "MINA_DATABASE_STATEMENT_TIMEOUT_SECONDS must be twice as long as any cache lease, or longer"
            )
        return self


GROUPS: Mapping[str, type[Group]] = {
    "database": DatabaseSettings,
    "redis": RedisSettings,
    "cache": CacheSettings,
    "auth": AuthSettings,
    "connections": ConnectionSettings,
    "live": LiveSettings,
    "http": HttpSettings,
    "rate": RateSettings,
    "log": LogSettings,
    "telemetry": TelemetrySettings,
}


def load_settings(**overrides: Mapping[str, Any]) -> Settings:
    """Settings of the environment; `overrides` replaces fields by group, for tests and the dev server.

    Raises SettingsError with every mistake in it, one line each.
    """
    lines: list[str] = []
    groups: dict[str, Group] = {}
    for name, group in GROUPS.items():
        try:
            groups[name] = group(**dict(overrides.get(name, {})))
        except ValidationError as failure:
            lines += explain(group, failure)
    if lines:
        raise SettingsError(lines)
    try:
        return Settings.model_validate(groups)
    except ValidationError as failure:
        raise SettingsError([error["msg"].removeprefix("Value error, ") for error in failure.errors()]) from None


def load_database_settings() -> DatabaseSettings:
    """The environment's database alone, for what needs nothing else; raises SettingsError."""
    try:
        return DatabaseSettings()
    except ValidationError as failure:
        raise SettingsError(explain(DatabaseSettings, failure)) from None
