"""What is told of the service while it runs: logs and telemetry."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from mina_api.settings.group import Group, pairs_of

LogLevelName = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class LogSettings(Group):
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
    def _arepairs_of(cls, levels: Any) -> Any:
        if not isinstance(levels, str):
            return levels
        return {
            name: level.upper() for name, level in pairs_of(levels, "names and levels, by commas: mina_api.cache=DEBUG")
        }


class TelemetrySettings(Group):
    """OpenTelemetry, which the extra `telemetry` installs."""

    model_config = SettingsConfigDict(env_prefix="OTEL_EXPORTER_OTLP_")

    endpoint: str = Field("", description="where traces and metrics are sent, as http://127.0.0.1:4318; empty: nowhere")
