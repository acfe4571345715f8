"""Tokens and passwords."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from mina_api.settings.group import Group
from mina_api.settings.keys import check_secret


class AuthSettings(Group):
    """Tokens and passwords."""

    model_config = SettingsConfigDict(env_prefix="MINA_AUTH_")

    secret_key_file: Path | None = Field(
        None,
        validation_alias="MINA_SECRET_KEY_FILE",
        description="secrets in the place of MINA_SECRET_KEY, one a line: the first signs, all verify; read anew when"
        " it changes",
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        validation_alias="MINA_SECRET_KEY",
        description="signs access tokens (HS256): 32 characters or more",
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
    def _is_strong(cls, key: SecretStr, info: ValidationInfo) -> SecretStr:
        value = key.get_secret_value()
        if not value and info.data.get("secret_key_file") is not None:
            return key
        if not value:
            raise ValueError("is required")
        check_secret(value)
        return key
