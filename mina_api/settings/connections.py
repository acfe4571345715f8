"""Connections: how much one may take, and for how long."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from mina_api.settings.group import Group


class ConnectionSettings(Group):
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
