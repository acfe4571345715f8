"""`make run`'s own directory."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from mina_api.settings.group import Group


class DevSettings(Group):
    """`make run`'s own directory."""

    model_config = SettingsConfigDict(env_prefix="MINA_")

    dev_dir: Path = Field(Path(".dev"), description="private Postgres, Valkey and secrets of `make run`")
    demo: bool = Field(True, description="false leaves an empty database empty")
