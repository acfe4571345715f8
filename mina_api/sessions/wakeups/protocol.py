"""Wakeups as rooms use them, and what they hear."""

from typing import Protocol


class WakeupsUnavailable(Exception):
    """Nobody can be told this way now."""


class Heard(Protocol):
    """Who listens; called in the event loop, and not to wait."""

    def heard(self, channel: str, payload: str) -> None:
        """Something was published; an empty payload says only that there is news."""

    def missed(self) -> None:
        """Something may have been published that was not heard."""


class Wakeups(Protocol):
    """Publishing to every worker, best effort: at most once, in no promised order."""

    async def start(self, listener: Heard) -> None:
        """Begin to listen, on `subscribe`d channels; not to reach the server is no failure."""

    async def close(self) -> None:
        """End it."""

    @property
    def is_hearing(self) -> bool:
        """Whether what is published now would be heard."""

    def subscribe(self, channel: str) -> None:
        """Listen on `channel` from soon on."""

    def unsubscribe(self, channel: str) -> None:
        """Listen on it no more."""

    async def publish(self, channel: str, payload: str) -> None:
        """Tell every worker that listens on `channel`, this one perhaps too; raises WakeupsUnavailable."""
