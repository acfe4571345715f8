"""Wakeups by Redis, and by Postgres while Redis is away; every worker hears both."""

import contextlib

from mina_api.sessions.wakeups.protocol import Heard, Wakeups, WakeupsUnavailable


class FailoverWakeups:
    """Publishes by the first of `ways` that takes it."""

    def __init__(self, *ways: Wakeups) -> None:
        self._ways = ways

    @property
    def is_hearing(self) -> bool:
        """Whether whatever others publish would be heard, whichever way they take."""
        return all(way.is_hearing for way in self._ways)

    async def start(self, listener: Heard) -> None:
        """Begin to listen all ways."""
        for way in self._ways:
            await way.start(listener)

    async def close(self) -> None:
        """End all."""
        for way in self._ways:
            await way.close()

    def subscribe(self, channel: str) -> None:
        """Listen on `channel`, all ways."""
        for way in self._ways:
            way.subscribe(channel)

    def unsubscribe(self, channel: str) -> None:
        """Listen on it no more."""
        for way in self._ways:
            way.unsubscribe(channel)

    async def publish(self, channel: str, payload: str) -> None:
        """Tell by the first way that is there; where there is none, nobody is told, and looks for itself."""
        for way in self._ways:
            with contextlib.suppress(WakeupsUnavailable):
                await way.publish(channel, payload)
                return
