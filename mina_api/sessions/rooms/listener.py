"""A connection as its room sees it: a bounded queue of messages, and an end."""

import asyncio
from collections import deque
from dataclasses import dataclass

from mina_api.sessions.permissions import Participant


@dataclass(frozen=True, slots=True)
class Closing:
    """Why a connection is closed (RFC 6455 section 7.4); `at_once` what is queued is not sent first."""

    code: int
    reason: str
    at_once: bool = True


PATIENCE_SECONDS = 30.0
TOO_SLOW = Closing(1013, "You read too slowly: connect again, with `since`.")


class Listener:
    """What waits to be sent over one connection; who reads too slowly to keep it within its limits is closed."""

    def __init__(self, connection_id: int, participant: Participant, *, most_messages: int, most_bytes: int) -> None:
        self.connection_id = connection_id
        self.participant = participant
        self.may_write = participant.may_write
        self.position = 0
        self.own_speakers: set[int] = set()
        self.closing: Closing | None = None
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._queue: deque[str] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()

    def send(self, message: str) -> None:
        """Queue a message."""
        if self.closing is not None:
            return
        if len(self._queue) >= self._most_messages or self._bytes > self._most_bytes:
            self.close(TOO_SLOW)
            return
        self._queue.append(message)
        self._bytes += len(message)
        self._changed.set()

    def close(self, closing: Closing) -> None:
        """Have the connection closed; the first reason counts."""
        if self.closing is None:
            self.closing = closing
            self._changed.set()
            self._taken.set()

    def has_room_for(self, messages: int) -> bool:
        """Whether so many more of usual length can be queued."""
        return len(self._queue) + messages <= self._most_messages // 2 and self._bytes <= self._most_bytes // 2

    async def wait_for_room(self, messages: int) -> None:
        """Return once so many can be queued, or it is closed, as it is if nothing is taken for long."""
        while self.closing is None and not self.has_room_for(messages):
            self._taken.clear()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._taken.wait()
            except TimeoutError:
                self.close(TOO_SLOW)

    async def next(self) -> str | Closing:
        """The next message, or the end once it has come."""
        while True:
            if self.closing is not None and (self.closing.at_once or not self._queue):
                return self.closing
            if self._queue:
                message = self._queue.popleft()
                self._bytes -= len(message)
                self._taken.set()
                return message
            self._changed.clear()
            await self._changed.wait()
