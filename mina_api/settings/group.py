"""A group of settings from the environment, and how its mistakes are told."""

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """The environment holds mistakes; `lines` says each in one line, by the variable's name."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Group(BaseSettings):
    """Settings that share a prefix; immutable."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)


def variable_name(group: type[Group], field: str) -> str:
    """The environment variable that sets `field` of `group`."""
    alias = group.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"{group.model_config.get('env_prefix', '')}{field.upper()}"


def explain(group: type[Group], failure: ValidationError) -> list[str]:
    """Each mistake in one line, by the variable's name; what was given is not repeated."""
    lines = []
    for error in failure.errors(include_input=False):
        location = str(error["loc"][0]) if error["loc"] else ""
        name = variable_name(group, location) if location in group.model_fields else location
        message = "is required" if error["type"] == "missing" else error["msg"].removeprefix("Value error, ")
        lines.append(f"{name} {message[0].lower()}{message[1:]}")
    return lines


def pairs_of(text: str, form: str) -> list[tuple[str, str]]:
    """The names and values of `name=value,…`; raises ValueError, which says the form."""
    found = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if any(not name.strip() or not value.strip() for name, _, value in found):
        raise ValueError(f"must be {form}")
    return [(name.strip(), value.strip()) for name, _, value in found]
