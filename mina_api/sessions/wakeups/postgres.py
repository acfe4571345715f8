"""Wakeups by LISTEN and NOTIFY over a connection of their own; what does not fit in a notification goes without."""

import asyncio
import contextlib
import json

from mina_api.background import Background
from mina_api.db.notify import LOST, ListenerConnection, listening
from mina_api.logs import get_logger
from mina_api.sessions.wakeups.protocol import Heard, WakeupsUnavailable

logger = get_logger(__name__)

CHANNEL = "mina_live"
# A notification has less than 8,000 bytes.
MOST_BYTES = 7_500
PAUSE_SECONDS = 0.5
PROBE_SECONDS = 5.0


class PostgresWakeups:
    """One channel for all, told apart by the payload: a LISTEN for each would cost a round trip and a lock."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._channels: set[str] = set()
        self._connection: ListenerConnection | None = None
        self._work = Background("live wakeups by postgres")

    @property
    def is_hearing(self) -> bool:
        """Whether the connection lives."""
        return self._connection is not None

    async def start(self, listener: Heard) -> None:
        """Listen from soon on."""
        self._work.start(self._run(listener))

    async def close(self) -> None:
        """Close the connection."""
        await self._work.close()

    def subscribe(self, channel: str) -> None:
        """Pass on what is told of `channel`."""
        self._channels.add(channel)

    def unsubscribe(self, channel: str) -> None:
        """Pass it on no more."""
        self._channels.discard(channel)

    async def publish(self, channel: str, payload: str) -> None:
        """NOTIFY; raises WakeupsUnavailable."""
        notification = json.dumps([channel, payload], ensure_ascii=False)
        if len(notification.encode()) > MOST_BYTES:
            notification = json.dumps([channel, ""])
        if self._connection is None:
            raise WakeupsUnavailable("Postgres is away")
        try:
            await self._connection.fetch("SELECT pg_notify($1, $2)", CHANNEL, notification)
        except LOST as failure:
            raise WakeupsUnavailable(str(failure)) from failure

    async def _run(self, listener: Heard) -> None:
        while True:
            try:
                await self._listen(listener)
            except LOST as failure:
                if self._connection is not None:
                    logger.warning("wakeups by Postgres are lost", cause=str(failure))
            finally:
                self._connection = None
            listener.missed()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen(self, listener: Heard) -> None:
        """Listen for as long as the connection lives."""

        def hear(_: str, notification: str) -> None:
            channel, payload = json.loads(notification)
            if channel in self._channels:
                listener.heard(channel, payload)

        async with listening(self._url, [CHANNEL], hear, self._timeout_seconds) as connection:
            self._connection = connection
            listener.missed()
            while not connection.lost.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PROBE_SECONDS):
                        await connection.lost.wait()
                await connection.fetch("SELECT 1")
