"""The way to the server that has the tokens, and to those that have the entries, whatever the topology.

Where the tokens are is found out once, before the breaker closes, and stays so until it opens again: their server
is never changed under a reader's feet. `Greet` looks at each new connection to it and refuses another server's.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import hiredis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from mina_api.cache.redis_tier.channel import Channel
from mina_api.cache.redis_tier.commands import number, packed, packed_tokens, scanned, texts
from mina_api.cache.redis_tier.replies import MOST_BYTES
from mina_api.cache.redis_tier.target import Address, Target, connection_class

Greet = Callable[[AbstractConnection], Awaitable[None]]
Values = Sequence[bytes | None]

NOWHERE: Address = ("", 0)


@dataclass(slots=True)
class Place:
    """Where a server is now; connections ask when they connect."""

    address: Address = NOWHERE


class PlacedConnection(Connection):
    """A connection to wherever its place says."""

    def __init__(self, *, place: Place, **options: Any) -> None:
        self._place = place
        super().__init__(**options)

    async def _connect(self) -> None:
        self.host, self.port = self._place.address
        await super()._connect()  # type: ignore[no-untyped-call]


class PlacedSSLConnection(SSLConnection):
    """The same over TLS."""

    def __init__(self, *, place: Place, **options: Any) -> None:
        self._place = place
        super().__init__(**options)

    async def _connect(self) -> None:
        self.host, self.port = self._place.address
        await super()._connect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Timing:
    """How many connections a pool has, and how long they are waited for, in seconds."""

    connections: int
    connect_seconds: float
    command_seconds: float


class Connecting:
    """Makes connections and pools of them to servers of one target; no entry of theirs has more than `entry_bytes`."""

    def __init__(self, target: Target, timing: Timing, entry_bytes: int) -> None:
        self.target = target
        self.timing = timing
        self.entry_bytes = entry_bytes

    def pool(self, place: Place, greet: Greet, *, connections: int | None = None) -> BlockingConnectionPool:
        """A pool to the server at `place`; whoever finds all of it in use waits."""
        return BlockingConnectionPool(
            max_connections=connections or self.timing.connections,
            timeout=self.timing.command_seconds,
            connection_class=self._connection_class(),
            socket_timeout=self.timing.command_seconds,
            **self._options(place, greet),
        )

    def channel(self, place: Place, greet: Greet) -> Channel:
        """A channel to the server at `place`."""
        pool = self.pool(place, greet)
        most_bytes = self.entry_bytes + MOST_BYTES
        return Channel(lambda: self.connection(place, greet), pool, self.timing.command_seconds, most_bytes)

    def connection(self, place: Place, greet: Greet) -> AbstractConnection:
        """A connection of its own to the server at `place`, which waits for replies for ever."""
        # With a time-out redis-py sends by wait_for, which on Python 3.11 may swallow a cancellation.
        made: AbstractConnection = self._connection_class()(socket_timeout=None, **self._options(place, greet))
        return made

    def _connection_class(self) -> type:
        return connection_class(self.target, PlacedConnection, PlacedSSLConnection)

    def _options(self, place: Place, greet: Greet) -> dict[str, Any]:
        options: dict[str, Any] = {
            **self.target.options,
            "socket_connect_timeout": self.timing.connect_seconds,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "driver_info": None,
            "redis_connect_func": _whole(greet),
        }
        return options if self.target.kind == "socket" else {**options, "place": place}


def _whole(greet: Greet) -> Greet:
    """`greet`, after which a connection that was given up half-way has no reply to come."""

    async def greet_or_hang_up(connection: AbstractConnection) -> None:
        try:
            await greet(connection)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise

    return greet_or_hang_up


async def log_in(connection: AbstractConnection) -> None:
    """Log in, and ask for nothing."""
    await connection.on_connect()


class Servers(Protocol):
    """The servers of one target. Replies fail with what redis-py raises."""

    async def find(self) -> None:
        """Find out where the tokens are; raises what makes that impossible now."""

    def at_tokens(self, *command: Any) -> Awaitable[Any]:
        """The reply of the server that has the tokens, never redirected to another."""

    def at_entry(self, key: str, *command: Any) -> Awaitable[Any]:
        """The reply of the server that has the entry `key`, wherever that is by now."""

    async def fetch(self, keys: Sequence[str], tokens: Sequence[str]) -> tuple[Values, Values]:
        """Entries and tokens, sent in one turn; of what is longer than any of ours, no more than tells that."""

    async def fetch_after(
        self, command: Sequence[Any], key: str, tokens: Sequence[str]
    ) -> tuple[int, bytes | None, Values]:
        """The reply to `command`, a number, of the server that has the entry `key`; after it, as `fetch`."""

    async def texts(self, names: Sequence[str], most_bytes: int) -> Values:
        """The strings under `names`, of the server that has the tokens, each but for what is beyond `most_bytes`."""

    async def scan(self, cursor: str, pattern: str, count: int) -> tuple[str | None, list[bytes]]:
        """One step of a SCAN over all of them, which begins at "0"."""

    def listening_connection(self) -> AbstractConnection:
        """A new connection to the server that has the tokens."""

    def pool(self, connections: int) -> BlockingConnectionPool:
        """A pool of the caller's own to the server that has the tokens, wherever that is by then."""

    async def disconnect(self) -> None:
        """Close every connection; the next command opens one anew."""

    async def close(self) -> None:
        """Wait for what is under way, and close every connection for good."""


class OneServer:
    """One server has everything: at an address, at a socket, or where Sentinels say."""

    def __init__(self, connecting: Connecting, greet: Greet, greet_listener: Greet) -> None:
        self._connecting = connecting
        self._greet_listener = greet_listener
        self._sentinel = _sentinel(connecting) if connecting.target.kind == "sentinel" else None
        self._place = Place(*connecting.target.addresses[:1])
        self._channel = connecting.channel(self._place, greet)

    async def find(self) -> None:
        """Ask the Sentinels, if there are any."""
        if self._sentinel is not None:
            host, port = await self._sentinel.discover_master(self._connecting.target.service)
            self._place.address = (str(host), int(port))

    def at_tokens(self, *command: Any) -> Awaitable[Any]:
        """The server's reply."""
        return self._channel.submit(*command)

    def at_entry(self, key: str, *command: Any) -> Awaitable[Any]:  # noqa: ARG002  (there is one server)
        """The server's reply."""
        return self._channel.submit(*command)

    async def fetch(self, keys: Sequence[str], tokens: Sequence[str]) -> tuple[Values, Values]:
        """GETRANGEs, one right after the other."""
        most = self._connecting.entry_bytes
        count = len(keys) + len(tokens)
        asked = b"".join([packed(key, most) for key in keys]) + packed_tokens(tuple(tokens))
        found = texts(await self._channel.send(asked, count)) if count else []
        return found[: len(keys)], found[len(keys) :]

    async def fetch_after(
        self, command: Sequence[Any], key: str, tokens: Sequence[str]
    ) -> tuple[int, bytes | None, Values]:
        """All of them, one right after the other."""
        first = hiredis.pack_command(tuple(command)) + packed(key, self._connecting.entry_bytes)
        reply, *found = await self._channel.send(first + packed_tokens(tuple(tokens)), 2 + len(tokens))
        data, *values = texts(found)
        return number(reply), data, values

    async def texts(self, names: Sequence[str], most_bytes: int) -> Values:
        """GETRANGEs too."""
        asked = b"".join([packed(name, most_bytes) for name in names])
        return texts(await self._channel.send(asked, len(names))) if names else []

    async def scan(self, cursor: str, pattern: str, count: int) -> tuple[str | None, list[bytes]]:
        """One step of a SCAN."""
        following, names = scanned(await self.at_tokens("SCAN", cursor, "MATCH", pattern, "COUNT", count))
        return (str(following) if following else None), names

    def listening_connection(self) -> AbstractConnection:
        """A new connection."""
        return self._connecting.connection(self._place, self._greet_listener)

    def pool(self, connections: int) -> BlockingConnectionPool:
        """A pool to the same place."""
        return self._connecting.pool(self._place, log_in, connections=connections)

    async def disconnect(self) -> None:
        """Close every connection."""
        await self._channel.disconnect()

    async def close(self) -> None:
        """Close everything."""
        await self._channel.close()
        if self._sentinel is not None:
            await self._sentinel.aclose()


def _sentinel(connecting: Connecting) -> Sentinel:
    target, timing = connecting.target, connecting.timing
    options = {
        **target.sentinel_options,
        "ssl": target.uses_tls,
        "socket_connect_timeout": timing.connect_seconds,
        "socket_timeout": timing.command_seconds,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "driver_info": None,
    }
    return Sentinel(list(target.addresses), sentinel_kwargs=options)  # type: ignore[no-untyped-call]


@contextlib.asynccontextmanager
async def connected(connection: AbstractConnection) -> AsyncIterator[AbstractConnection]:
    """`connection` within the block."""
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        yield connection
    finally:
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await connection.disconnect(nowait=True)
