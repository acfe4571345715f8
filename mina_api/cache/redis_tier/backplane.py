"""What processes tell each other by way of Redis: a lease is free, forget these tags, they are forgotten.

One connection of each process listens. It also carries the process's lease on what it has in memory: the
register is written first, then a PING is sent here, and only its PONG starts the lease, counted from before both.
What was published before the PING has been read by then, since Redis answers one connection in order; so a
process that has not heard of an invalidation has no lease that its writer does not wait out (Gray and Cheriton:
Leases, SOSP 1989). That needs clocks of about equal rate, not of equal time: `DRIFT` is what they may differ by.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from mina_api.cache.clock import Clock
from mina_api.cache.lease import new_owner
from mina_api.cache.memory import Memory
from mina_api.cache.redis_tier.keys import Names
from mina_api.cache.redis_tier.replies import messages

logger = logging.getLogger(__name__)

DRIFT = 0.01

Register = Callable[[str, float], Awaitable[object]]
Publish = Callable[[str, str], None]


@dataclass(slots=True)
class Acknowledgements:
    """Which processes have said that they forgot, and a way to wait for the next to say so."""

    received: set[str] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, unknown_seconds: float, left_seconds: dict[str, float], clock: Clock) -> None:
        """Return once each process of `left_seconds` has said so or its lease has run out."""
        began = clock.monotonic()
        ends = {process: began + left * (1 + DRIFT) for process, left in left_seconds.items()}
        unknown_end = began + unknown_seconds * (1 + DRIFT)
        while True:
            self.changed.clear()
            waiting = [end for process, end in ends.items() if process not in self.received]
            remaining = max((unknown_end if unknown_seconds else began, *waiting)) - clock.monotonic()
            if remaining <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(remaining):
                    await self.changed.wait()


class Backplane:
    """One process's listening connection, its lease, and those of its tasks that wait for word of others."""

    def __init__(
        self,
        names: Names,
        clock: Clock,
        *,
        lease_seconds: float,
        pause_seconds: float,
        connect: Callable[[], AbstractConnection],
        register: Register,
        publish: Publish,
        is_available: Callable[[], bool],
    ) -> None:
        self.process = new_owner()
        self._names = names
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._pause_seconds = pause_seconds
        self._connect = connect
        self._register = register
        self._publish = publish
        self._is_available = is_available
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._expected: dict[str, Acknowledgements] = {}
        self._pong = asyncio.Event()
        self._returned = asyncio.Event()

    # Waiting for others

    @contextlib.contextmanager
    def watch(self, key: str) -> Iterator[asyncio.Event]:
        """An event set when the lease on `key` is released, or when that may have been missed."""
        event = asyncio.Event()
        watchers = self._watchers.setdefault(key, set())
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers:
                self._watchers.pop(key, None)

    @contextlib.contextmanager
    def expecting(self, tags: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, Acknowledgements]]:
        """A message that has all processes forget what is under `tags` and `names`, and their acknowledgements."""
        number = new_owner()
        acknowledgements = self._expected[number] = Acknowledgements()
        try:
            yield json.dumps([number, self.process, list(tags), list(names)]), acknowledgements
        finally:
            del self._expected[number]

    def wake_all(self) -> None:
        """Wake whoever waits for a lease: releases may have been missed."""
        for key in tuple(self._watchers):
            self._wake(key)

    def _wake(self, key: str) -> None:
        for event in self._watchers.get(key, ()):
            event.set()

    # Listening

    async def run(self, memory: Memory) -> None:
        """Listen for ever, over one connection after another; between two of them nothing is served from memory."""
        while True:
            self._returned.clear()
            if self._is_available():
                await self._listen_once(memory)
                self.wake_all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_seconds):
                    await self._returned.wait()

    def listen_now(self) -> None:
        """The server can be asked again: `run` listens without a further pause."""
        self._returned.set()

    async def _listen_once(self, memory: Memory) -> None:
        """Listen and hold a lease for as long as the connection lasts."""
        try:
            async with self._listening() as connection:
                listening = asyncio.create_task(self._hear_all(connection, memory), name="backplane listener")
                holding = asyncio.create_task(self._keep_lease(connection, memory), name="memory lease")
                try:
                    await asyncio.wait((listening, holding), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (listening, holding):
                        task.cancel()
                    ends = await asyncio.gather(listening, holding, return_exceptions=True)
                logger.error("the backplane's connection is lost: %s", next(filter(None, ends), None))
        except (RedisError, OSError) as failure:
            # A time-out says nothing, and the errors of redis-py have a repr without what they say.
            logger.error("the backplane cannot listen: %s", str(failure) or repr(failure))
        finally:
            memory.clear()

    async def _hear_all(self, connection: AbstractConnection, memory: Memory) -> None:
        async for message in messages(connection):
            self._hear(message, memory)

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[AbstractConnection]:
        connection = self._connect()
        try:
            channels = (self._names.released, self._names.forget, self._names.acknowledged(self.process))
            async with asyncio.timeout(self._lease_seconds):
                await connection.connect()  # type: ignore[no-untyped-call]
                await connection.send_command("SUBSCRIBE", *channels)
            # Nothing waits for their confirmation: the PONG of the first PING comes after it.
            yield connection
        finally:
            await connection.disconnect(nowait=True)

    async def _keep_lease(self, connection: AbstractConnection, memory: Memory) -> None:
        """Renew the lease each third of its length; ends, and the connection with it, where Redis cannot be asked."""
        while True:
            began = self._clock.monotonic()
            is_wanted = memory.wants_lease
            await self._register(self.process, self._lease_seconds if is_wanted else 0.0)
            self._pong.clear()
            await connection.send_command("PING", self.process)
            async with asyncio.timeout(self._lease_seconds):
                await self._pong.wait()
            # A lease that runs still has not lapsed before it was registered again, so nobody has passed us over.
            if not memory.is_valid:
                memory.clear()
            if is_wanted:
                memory.extend(began + self._lease_seconds * (1 - DRIFT))
            await asyncio.sleep(self._lease_seconds / 3)

    def _hear(self, reply: Any, memory: Memory) -> None:
        kind, *rest = reply
        if kind == b"pong":
            self._pong.set()
            return
        if kind == b"subscribe":
            # What was published before it was not heard.
            self.wake_all()
            return
        channel, data = rest[0].decode(), rest[1]
        if kind != b"message":
            return
        if channel == self._names.released:
            self._wake(data.decode())
        elif channel == self._names.forget:
            number, sender, tags, names = json.loads(data)
            memory.forget(tags, names)
            if sender != self.process:
                self._publish(self._names.acknowledged(sender), f"{number} {self.process}")
        else:
            number, _, process = data.decode().partition(" ")
            if (expected := self._expected.get(number)) is not None:
                expected.received.add(process)
                expected.changed.set()
