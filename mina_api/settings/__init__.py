"""Settings from the environment, grouped, validated once at start; only `app`, `cli` and `dev` read them."""

from mina_api.settings.auth import AuthSettings
from mina_api.settings.cache import CacheSettings
from mina_api.settings.connections import ConnectionSettings
from mina_api.settings.database import DatabaseSettings
from mina_api.settings.dev import DevSettings
from mina_api.settings.group import SettingsError, variable_name
from mina_api.settings.http import HttpSettings, RateSettings
from mina_api.settings.keys import keys_in, keys_of, lines_in, new_secret, secrets_in
from mina_api.settings.live import LiveSettings
from mina_api.settings.loading import Settings, load_database_settings, load_settings
from mina_api.settings.observing import LogSettings, TelemetrySettings
from mina_api.settings.redis import REDIS_SCHEMES, RedisSettings

__all__ = [
    "REDIS_SCHEMES",
    "AuthSettings",
    "CacheSettings",
    "ConnectionSettings",
    "DatabaseSettings",
    "DevSettings",
    "HttpSettings",
    "LiveSettings",
    "LogSettings",
    "RateSettings",
    "RedisSettings",
    "Settings",
    "SettingsError",
    "TelemetrySettings",
    "keys_in",
    "keys_of",
    "lines_in",
    "load_database_settings",
    "load_settings",
    "new_secret",
    "secrets_in",
    "variable_name",
]
