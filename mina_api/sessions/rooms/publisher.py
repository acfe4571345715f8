"""What a worker tells the others, sent by a task of its own: nobody who stores segments waits for it."""

import asyncio

from mina_api.background import Background
from mina_api.sessions.wakeups import Wakeups

MOST_WAITING = 10_000


class Publisher:
    """Sends what has gathered since the last sending, together; what is too much is left to the others' looking."""

    def __init__(self, wakeups: Wakeups) -> None:
        self._wakeups = wakeups
        self._waiting: list[tuple[str, str]] = []
        self._news = asyncio.Event()
        self._work = Background("live publisher")

    def start(self) -> None:
        """Begin to send."""
        self._work.start(self._run())

    async def close(self) -> None:
        """Send what waits, then end."""
        await self._work.close()
        await self._send()

    def publish(self, channel: str, payload: str) -> None:
        """Have something sent soon."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append((channel, payload))
            self._news.set()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._send()

    async def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        await asyncio.gather(*(self._wakeups.publish(channel, payload) for channel, payload in waiting))
