"""What no specification may do in any state: serve what is older than a read was promised."""

from typing import Protocol


class Written(Protocol):
    """A state, by the numbers of its last writes."""

    @property
    def committed(self) -> int:
        """What Postgres has."""

    @property
    def acknowledged(self) -> int:
        """What somebody was told of."""


def wrong(state: Written, version: int, *, is_whole: bool = True) -> str:
    """What is wrong with serving `version`, "" if nothing is.

    `is_whole`: nobody broke the holds of the writes after it before their COMMIT. A hold that was evicted or flushed
    promises nothing until its write is acknowledged.
    """
    if version < state.acknowledged:
        return f"version {state.acknowledged} was acknowledged before"
    if version < state.committed and is_whole:
        return f"version {state.committed} may have been read from Postgres before"
    return ""
