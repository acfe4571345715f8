"""Settings from the environment, grouped, validated once at start; only `app`, `cli` and `dev` read them."""

import secrets
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

POSTGRES_SCHEMES = ("postgresql+asyncpg://", "postgresql://", "postgres://")
REDIS_SCHEMES = (
    *("redis://", "redis+sentinel://", "redis+cluster://"),
    *("rediss://", "rediss+sentinel://", "rediss+cluster://"),
    "unix://",
)


class SettingsError(Exception):
    """The environment holds mistakes; `lines` says each in one line, by the variable's name."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


LogLevelName = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def _pairs(text: str, form: str) -> list[tuple[str, str]]:
    """The names and values of `name=value,…`; raises ValueError, which says the form."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if any(not name.strip() or not value.strip() for name, _, value in pairs):
        raise ValueError(f"must be {form}")
    return [(name.strip(), value.strip()) for name, _, value in pairs]


class _Group(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class DatabaseSettings(_Group):
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


class RedisSettings(_Group):
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
    command_timeout_seconds: float = Field(0.25, gt=0, description="wait for a reply, then the breaker opens")
    ca_file: Path | None = Field(None, description="PEM of who vouches for the server; none: who the system trusts")
    certificate_file: Path | None = Field(None, description="PEM of our own certificate, where the server asks for one")
    key_file: Path | None = Field(None, description="PEM of its key")

    @field_validator("url")
    @classmethod
    def _is_redis(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not url.get_secret_value().startswith(REDIS_SCHEMES):
            raise ValueError(f"must start with one of {', '.join(REDIS_SCHEMES)}, or be empty for no Redis")
        return url


def keys_of(keys: SecretStr) -> list[bytes]:
    """Keys of 32 bytes in hexadecimal, by commas; raises ValueError, which says nothing of them."""
    parts = [part.strip() for part in keys.get_secret_value().split(",") if part.strip()]
    if any(len(part) != 64 or not set(part) <= set(string.hexdigits) for part in parts):
        raise ValueError("must be keys of 64 hexadecimal digits, by commas: try `openssl rand -hex 32`")
    return [bytes.fromhex(part) for part in parts]


class CacheSettings(_Group):
    """The response cache: TTLs in seconds, limits in bytes."""

    model_config = SettingsConfigDict(env_prefix="MINA_CACHE_")

    enabled: bool = Field(True, description="false answers every request from Postgres")
    default_ttl: int = Field(3600, ge=1)
    session_ttl: int = Field(86400, ge=1)
    transcription_ttl: int = Field(7200, ge=1)
    analytics_ttl: int = Field(1800, ge=1)
    temp_ttl: int = Field(300, ge=1)
    endpoint_ttls: Annotated[dict[str, Annotated[int, Field(ge=1)]], NoDecode] = Field(
        {}, description="in the place of declared ones, by commas: api_meetings.get_meeting=600"
    )
    memory_bytes: int = Field(64 * 1024 * 1024, ge=0, description="of entries in each worker's memory; 0 keeps none")
    shortcut_bytes: int = Field(
        32 * 1024 * 1024, ge=0, description="of answers ready to be sent in each worker's memory; 0 routes each request"
    )
    memory_lease_seconds: float = Field(
        1.0, ge=0.05, le=10, description="a worker that does not answer delays writes by at most this; equal in all"
    )
    peer_lease_seconds: float = Field(
        3.0,
        ge=0.05,
        le=30,
        description="the same among workers, by Postgres, for while one has lost Redis; equal in all",
    )
    without_redis_ttl: float = Field(30.0, gt=0, description="the longest that memory alone keeps an answer")
    audit_share: float = Field(0.001, ge=0, le=1, description="of hits that are loaded again and compared")
    control_share: float = Field(0.0, ge=0, le=1, description="of users who are served without the cache, to compare")
    warm_on_start: bool = Field(False, description="a worker that starts asks for what was used most before it")
    serve_without_postgres: bool = Field(True, description="false: cached answers too need Postgres to be reached")
    max_entry_bytes: int = Field(8 * 1024 * 1024, ge=1024, description="larger answers are not stored")
    compress_over_bytes: int = Field(1024, ge=0, description="bodies larger than this are stored in zstd")
    lease_seconds: float = Field(3.0, gt=0, description="a loader's claim on a key; renewed while it lives")
    wait_seconds: float = Field(5.0, gt=0, description="wait for another worker's load, then load oneself")
    max_concurrent_loads: int = Field(32, ge=1, description="loads at once in each worker")
    max_waiting_loads: int = Field(
        1000, ge=0, description="loads that wait for them in each worker; further ones get 503"
    )
    serializer: Literal["json", "msgpack", "pickle"] = Field("json", description="of values; pickle needs signing keys")
    signing_algorithm: Literal["sha256", "sha384", "sha512"] = Field("sha256", description="of pickle's HMAC")
    signing_keys: SecretStr = Field(
        SecretStr(""), validate_default=True, description="64 hexadecimal digits each, by commas; the first signs"
    )
    encryption_keys: SecretStr = Field(
        SecretStr(""), description="entries are encrypted by the first, read by each; as above; empty: not encrypted"
    )

    @field_validator("endpoint_ttls", mode="before")
    @classmethod
    def _are_pairs(cls, ttls: Any) -> Any:
        if not isinstance(ttls, str):
            return ttls
        form = "names and whole seconds, by commas: api_meetings.get_meeting=600"
        pairs = _pairs(ttls, form)
        if any(not seconds.isdecimal() for _, seconds in pairs):
            raise ValueError(f"must be {form}")
        return {name: int(seconds) for name, seconds in pairs}

    @field_validator("signing_keys", "encryption_keys")
    @classmethod
    def _are_keys(cls, keys: SecretStr, info: ValidationInfo) -> SecretStr:
        if not keys_of(keys) and info.field_name == "signing_keys" and info.data.get("serializer") == "pickle":
            raise ValueError("must be set: pickle is read only where it is signed")
        return keys


class AuthSettings(_Group):
    """Tokens and passwords."""

    model_config = SettingsConfigDict(env_prefix="MINA_AUTH_")

    secret_key: SecretStr = Field(
        validation_alias="MINA_SECRET_KEY", description="signs access tokens (HS256): 32 characters or more"
    )
    access_token_seconds: int = Field(900, ge=10, description="life of an access token")
    refresh_token_days: int = Field(30, ge=1, description="life of a refresh token that is not used")
    ops_token: SecretStr | None = Field(
        None, validation_alias="MINA_OPS_TOKEN", description="Bearer token of the operations calls"
    )
    password_hashers: int = Field(2, ge=1, description="argon2 computations at once in each worker")
    sign_in_window_seconds: int = Field(900, ge=1, description="the window of the three limits that follow")
    sign_in_attempts: int = Field(10, ge=1, description="attempts in a row at one account from one address")
    sign_in_account_attempts: int = Field(100, ge=1, description="attempts in a row at one account from anywhere")
    sign_in_address_failures: int = Field(100, ge=1, description="failures of one address at whatever accounts")

    @field_validator("secret_key")
    @classmethod
    def _is_strong(cls, key: SecretStr) -> SecretStr:
        value = key.get_secret_value()
        if len(value) < 32:
            raise ValueError("must have 32 characters or more: try `openssl rand -hex 32`")
        if len(set(value)) < 8:
            raise ValueError("is too regular to be secret: try `openssl rand -hex 32`")
        return key


class HttpSettings(_Group):
    """What each client's connection may take; times in seconds."""

    model_config = SettingsConfigDict(env_prefix="MINA_HTTP_")

    connections: int = Field(5000, ge=1, description="open at once in each worker; further ones get 503")
    head_bytes: int = Field(32 * 1024, ge=1024, description="of a request's target and fields: else 414 or 431")
    head_fields: int = Field(100, ge=10, description="of a request: else 431")
    head_seconds: float = Field(
        20.0, gt=0, description="for a request's head to be complete: else 408; for a WebSocket's handshake too"
    )
    body_seconds: float = Field(
        20.0, gt=0, description="a body that less than 1 KB comes of within so long is given up: 408"
    )
    send_seconds: float = Field(
        60.0, gt=0, description="an answer that less than 1 KB is taken of within so long is cut off"
    )
    buffered_bytes: int = Field(
        256 * 1024 * 1024,
        ge=1024 * 1024,
        description="of answers that wait to be read; beyond, who owes most is cut off",
    )


class LiveSettings(_Group):
    """Live sessions: what waits for slow readers, how segments are gathered, when a silent session ends."""

    model_config = SettingsConfigDict(env_prefix="MINA_LIVE_")

    connections_per_user: int = Field(100, ge=1, description="open at once in each worker; further ones: 4429")
    queue_messages: int = Field(1000, ge=10, description="messages that wait for one reader, then it is closed")
    queue_bytes: int = Field(1024 * 1024, ge=1024, description="the same in bytes, of text")
    gather_seconds: float = Field(0.01, ge=0, le=0.02, description="wait for more segments before each commit")
    idle_seconds: float = Field(7200.0, gt=0, description="a session in which nothing is said for so long is ended")
    sweep_seconds: float = Field(30.0, gt=0, description="between two looks for such sessions")


class LogSettings(_Group):
    """Logs: JSON lines, or readable ones on a terminal."""

    model_config = SettingsConfigDict(env_prefix="MINA_LOG_")

    level: LogLevelName = Field("INFO")
    levels: Annotated[dict[str, LogLevelName], NoDecode] = Field(
        {}, description="of single loggers, by commas: mina_api.cache=DEBUG"
    )
    format: Literal["auto", "json", "text"] = Field("auto", description="auto: text on a terminal, else json")

    @field_validator("level", mode="before")
    @classmethod
    def _upper(cls, level: Any) -> Any:
        return level.upper() if isinstance(level, str) else level

    @field_validator("levels", mode="before")
    @classmethod
    def _are_pairs(cls, levels: Any) -> Any:
        if not isinstance(levels, str):
            return levels
        return {
            name: level.upper() for name, level in _pairs(levels, "names and levels, by commas: mina_api.cache=DEBUG")
        }


class TelemetrySettings(_Group):
    """OpenTelemetry, which the extra `telemetry` installs."""

    model_config = SettingsConfigDict(env_prefix="OTEL_EXPORTER_OTLP_")

    endpoint: str = Field("", description="where traces and metrics are sent, as http://127.0.0.1:4318; empty: nowhere")


class DevSettings(_Group):
    """`make run`'s own directory."""

    model_config = SettingsConfigDict(env_prefix="MINA_")

    dev_dir: Path = Field(Path(".dev"), description="private Postgres, Valkey and secrets of `make run`")
    demo: bool = Field(True, description="false leaves an empty database empty")


class Settings(_Group):
    """All groups, immutable; build with `load_settings`."""

    database: DatabaseSettings
    redis: RedisSettings
    cache: CacheSettings
    auth: AuthSettings
    http: HttpSettings
    live: LiveSettings
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


GROUPS: Mapping[str, type[_Group]] = {
    "database": DatabaseSettings,
    "redis": RedisSettings,
    "cache": CacheSettings,
    "auth": AuthSettings,
    "http": HttpSettings,
    "live": LiveSettings,
    "log": LogSettings,
    "telemetry": TelemetrySettings,
}


def variable_name(group: type[_Group], field: str) -> str:
    """The environment variable that sets `field` of `group`."""
    alias = group.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"{group.model_config.get('env_prefix', '')}{field.upper()}"


def load_settings(**overrides: Mapping[str, Any]) -> Settings:
    """Settings of the environment; `overrides` replaces fields by group, for tests and the dev server.

    Raises SettingsError with every mistake in it, one line each.
    """
    lines: list[str] = []
    groups: dict[str, _Group] = {}
    for name, group in GROUPS.items():
        try:
            groups[name] = group(**dict(overrides.get(name, {})))
        except ValidationError as failure:
            lines += _explain(group, failure)
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
        raise SettingsError(_explain(DatabaseSettings, failure)) from None


def _explain(group: type[_Group], failure: ValidationError) -> list[str]:
    lines = []
    for error in failure.errors(include_input=False):
        location = str(error["loc"][0]) if error["loc"] else ""
        name = variable_name(group, location) if location in group.model_fields else location
        message = "is required" if error["type"] == "missing" else error["msg"].removeprefix("Value error, ")
        lines.append(f"{name} {message[0].lower()}{message[1:]}")
    return lines


def new_secret() -> str:
    """A fresh secret of 64 hexadecimal digits, fit for `MINA_SECRET_KEY`."""
    return secrets.token_hex(32)
