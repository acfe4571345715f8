"""HTTP itself: other origins, transport, and how much may be asked for."""

from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from mina_api.settings.group import Group


class HttpSettings(Group):
    """What browsers are told."""

    model_config = SettingsConfigDict(env_prefix="MINA_HTTP_")

    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="whose pages may read answers, by commas: https://app.example.com; empty: nobody's"
    )
    hsts_seconds: int = Field(0, ge=0, description="HTTPS alone for so long (RFC 6797); 0: nothing is said of it")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _by_commas(cls, origins: Any) -> Any:
        return (
            tuple(each.strip() for each in origins.split(",") if each.strip()) if isinstance(origins, str) else origins
        )

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for each in origins:
            scheme, separator, host = each.partition("://")
            if scheme not in ("http", "https") or not separator or not host or "/" in host or "*" in host:
                raise ValueError("must be origins by commas, as https://app.example.com, without a path or a `*`")
        return origins


class RateSettings(Group):
    """How much may be asked for that is not answered from the cache; 0 is without a limit."""

    model_config = SettingsConfigDict(env_prefix="MINA_RATE_")

    per_user: int = Field(60_000, ge=0, description="requests of one user within the window, by whatever credentials")
    per_key: int = Field(60_000, ge=0, description="requests by one API key")
    per_address: int = Field(120_000, ge=0, description="requests from one address, of IPv6 one /64")
    window_seconds: int = Field(60, ge=1, le=86400, description="the window of the three")
