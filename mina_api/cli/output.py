"""How commands fail."""

from mina_api.settings import Settings, SettingsError, load_settings


class Failure(Exception):
    """A command that cannot go on: lines for its user, and its exit code (2: they can put it right)."""

    def __init__(self, *lines: str, code: int = 2) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.code = code


def settings_or_fail() -> Settings:
    """The environment's settings; raises Failure with each mistake in them."""
    try:
        return load_settings()
    except SettingsError as mistakes:
        raise Failure(*mistakes.lines) from None
