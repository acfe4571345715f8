"""The response cache: TTLs, limits, how entries are written."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from mina_api.settings.group import Group, pairs_of
from mina_api.settings.keys import keys_of


class CacheSettings(Group):
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
    audit_share: float = Field(
        0.001,
        ge=0,
        le=1,
        description="of hits that are loaded again and compared; of those before routing, 10 a second",
    )
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
    signing_keys_file: Path | None = Field(None, description="in the place of the next, one a line; read as it changes")
    signing_keys: SecretStr = Field(
        SecretStr(""), validate_default=True, description="64 hexadecimal digits each, by commas; the first signs"
    )
    encryption_keys_file: Path | None = Field(None, description="in the place of the next, one a line; as above")
    encryption_keys: SecretStr = Field(
        SecretStr(""), description="entries are encrypted by the first, read by each; as above; empty: not encrypted"
    )

    transcripts: Literal["encrypted", "plain", "none"] = Field(
        "encrypted",
        description="how their text is in Redis: by the encryption keys, or keys derived from MINA_SECRET_KEY; none:"
        " not at all",
    )

    @property
    def all_signing_keys(self) -> list[bytes]:
        """Those of the environment."""
        return keys_of(self.signing_keys)

    @property
    def all_encryption_keys(self) -> list[bytes]:
        """Those of the environment."""
        return keys_of(self.encryption_keys)

    @field_validator("endpoint_ttls", mode="before")
    @classmethod
    def _arepairs_of(cls, ttls: Any) -> Any:
        if not isinstance(ttls, str):
            return ttls
        form = "names and whole seconds, by commas: api_meetings.get_meeting=600"
        pairs = pairs_of(ttls, form)
        if any(not seconds.isdecimal() for _, seconds in pairs):
            raise ValueError(f"must be {form}")
        return {name: int(seconds) for name, seconds in pairs}

    @field_validator("signing_keys", "encryption_keys")
    @classmethod
    def _are_keys(cls, keys: SecretStr, info: ValidationInfo) -> SecretStr:
        is_signing = info.field_name == "signing_keys" and info.data.get("signing_keys_file") is None
        if not keys_of(keys) and is_signing and info.data.get("serializer") == "pickle":
            raise ValueError("must be set: pickle is read only where it is signed")
        return keys
