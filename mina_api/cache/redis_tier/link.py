"""The link to Redis behind its breaker: asked while that is closed, found again by one probe after it has opened."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AskError,
    ClusterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from mina_api.cache.breaker import Breaker
from mina_api.cache.config import CacheConfig
from mina_api.cache.redis_tier.cluster import ClusterServers
from mina_api.cache.redis_tier.greeting import OtherServer, greet, greet_listener
from mina_api.cache.redis_tier.scripts import Script
from mina_api.cache.redis_tier.servers import Connecting, OneServer, Servers, Timing, Values, connected
from mina_api.cache.redis_tier.target import Target
from mina_api.cache.tier import TierRefused, TierUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Of all errors that a server answers these say that it is lost, or no longer the one to ask.
LOST = (ReadOnlyError, AskError, TryAgainError, ClusterDownError)


# What a reply says; raises InvalidResponse where it says nothing of the kind.
Read = Callable[[Any], Any]


def as_it_is(reply: Any) -> Any:
    """The reply itself, whatever it is."""
    return reply


class Link:
    """Servers of one target. It is closed, and may be asked, only after `come_back` has returned.

    `come_back` runs with the server found, which may be asked by `run` already, and gives what entries of it are
    marked with. `on_loss` is told when the link opens, `on_back` when it has closed again; neither waits for anything.
    `token_key` is any key in the slot of the tokens.
    """

    def __init__(
        self,
        target: Target,
        config: CacheConfig,
        token_key: str,
        *,
        come_back: Callable[[], Awaitable[str]],
        on_loss: Callable[[], None],
        on_back: Callable[[], None],
    ) -> None:
        self._come_back = come_back
        self._on_loss = on_loss
        self._on_back = on_back
        self._look_seconds = config.connect_timeout_seconds + config.command_timeout_seconds
        timing = Timing(config.max_connections, config.connect_timeout_seconds, config.command_timeout_seconds)
        connecting = Connecting(target, timing, config.max_entry_bytes)
        self.servers: Servers = (
            ClusterServers(connecting, token_key, self._greet, self._greet_listener)
            if target.kind == "cluster"
            else OneServer(connecting, self._greet, self._greet_listener)
        )
        self.reign = ""
        self.epoch = b""
        self._breaker = Breaker(first_wait_seconds=config.probe_seconds, longest_wait_seconds=config.probe_max_seconds)
        self._breaker.trip()
        self._is_doubted = False
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def is_closed(self) -> bool:
        """Whether it may be asked."""
        return self._breaker.is_closed

    async def start(self) -> None:
        """Connect once; where that fails, leave it to the probe."""
        if not await self._try_to_return():
            logger.error("Redis cannot be reached: answering from Postgres until it can")
            self._spawn("probe", self._probe())

    async def stop(self) -> None:
        """End what runs in the background."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # Commands

    def require(self) -> None:
        """Raise TierUnavailable while it is open."""
        if not self._breaker.is_closed:
            raise TierUnavailable("the breaker is open")

    def call(self, *command: Any, entry: str | None = None, read: Read = as_it_is) -> Coroutine[Any, Any, Any]:
        """The reply of the server that has the tokens, or that has an entry, as `read` gives it."""
        self.require()
        return self._reply_of(command[0], self._at(entry)(*command), read=read)

    def script(
        self, script: Script, keys: Sequence[str], *arguments: Any, entry: str | None = None, read: Read = as_it_is
    ) -> Coroutine[Any, Any, Any]:
        """The same of a script."""
        self.require()
        return self.run(script, keys, *arguments, entry=entry, read=read)

    def run(
        self, script: Script, keys: Sequence[str], *arguments: Any, entry: str | None = None, read: Read = as_it_is
    ) -> Coroutine[Any, Any, Any]:
        """The reply to a script, as `read` gives it, also while the link is coming back."""
        at, parts = self._at(entry), (len(keys), *keys, *arguments)
        reply = at("EVALSHA", script.sha, *parts)
        return self._reply_of("EVALSHA", reply, lambda: at("EVAL", script.source, *parts), read)

    def fetch(self, keys: Sequence[str], tokens: Sequence[str]) -> Coroutine[Any, Any, tuple[Values, Values]]:
        """Entries and tokens."""
        self.require()
        return self._reply_of("GETRANGE", self.servers.fetch(keys, tokens))

    def fetch_after(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Any], key: str, tokens: Sequence[str]
    ) -> Coroutine[Any, Any, tuple[int, bytes | None, Values]]:
        """The reply to a script on what is in the slot of the entry `key`, a number; then that entry, and tokens."""
        self.require()
        fetch, parts = self.servers.fetch_after, (len(keys), *keys, *arguments)
        reply = fetch(("EVALSHA", script.sha, *parts), key, tokens)
        return self._reply_of("EVALSHA", reply, lambda: fetch(("EVAL", script.source, *parts), key, tokens))

    def texts(self, names: Sequence[str], most_bytes: int) -> Coroutine[Any, Any, Values]:
        """The strings under `names`, of the server that has the tokens, each but for what is beyond `most_bytes`."""
        self.require()
        return self._reply_of("GETRANGE", self.servers.texts(names, most_bytes))

    def scan(self, cursor: str, pattern: str, count: int) -> Coroutine[Any, Any, tuple[str | None, list[bytes]]]:
        """One step of a SCAN over all servers: where the next begins, None after the last, and names."""
        self.require()
        return self._reply_of("SCAN", self.servers.scan(cursor, pattern, count))

    def _at(self, entry: str | None) -> Callable[..., Awaitable[Any]]:
        """Asks the server that has the tokens, or that has an entry."""
        return self.servers.at_tokens if entry is None else partial(self.servers.at_entry, entry)

    async def _reply_of(
        self,
        name: str,
        reply: Awaitable[T],
        by_source: Callable[[], Awaitable[T]] | None = None,
        read: Read = as_it_is,
    ) -> T:
        """`reply`, to a command of that name; where the server does not know its script, the reply `by_source`.

        It is given as `read` gives it, which raises InvalidResponse for what is none.
        Raises TierUnavailable, TierRefused among them.
        """
        try:
            try:
                value = await reply
            except NoScriptError:
                if by_source is None:
                    raise
                value = await by_source()
            return value if read is as_it_is else read(value)
        except (RedisError, OSError) as failure:
            if isinstance(failure, ResponseError) and not isinstance(failure, LOST):
                if self._breaker.is_closed:
                    logger.error("Redis refused %s: %s", name, failure)
                raise TierRefused(str(failure)) from failure
            self.trip(failure)
            raise TierUnavailable(str(failure)) from failure

    @contextlib.contextmanager
    def lost_if_refused(self) -> Iterator[None]:
        """A tag that cannot be invalidated must not be read: stay away until the outbox is drained."""
        try:
            yield
        except TierRefused as refusal:
            self.trip(refusal)
            raise

    # Losing the server and finding it again

    def trip(self, failure: Exception) -> None:
        """Open it, and begin to look for the server."""
        if self._breaker.trip():
            logger.error("Redis is lost (%s): answering from Postgres", failure)
            self._on_loss()
            self._spawn("probe", self._probe())

    def look_again(self) -> None:
        """See whether the server that is used is still the one to use."""
        # Who is looking may have seen what was there before.
        self._is_doubted = True
        looking = self._tasks.get("look")
        if self.is_closed and (looking is None or looking.done()):
            self._spawn("look", self._look_while_doubted())

    async def _look_while_doubted(self) -> None:
        while self._is_doubted and self.is_closed:
            self._is_doubted = False
            await self._look()

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(self._look_seconds):
                await self.servers.find()
                async with connected(self.servers.listening_connection()):
                    return
        except OtherServer as found:
            self.trip(found)
        except (RedisError, OSError) as failure:
            logger.warning("whether Redis is where it was cannot be seen: %s", failure)

    async def _greet(self, connection: AbstractConnection) -> None:
        """Take the first connection's server for the one to ask until the breaker opens; refuse any other."""
        reign = await greet(connection)
        if self.reign not in ("", reign):
            raise OtherServer("another server answers")
        self.reign = reign

    async def _greet_listener(self, connection: AbstractConnection) -> None:
        if await greet_listener(connection) != self.reign:
            raise OtherServer("another server answers the backplane")

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(self._breaker.next_wait())
            if await self._try_to_return():
                logger.info("Redis is back")
                return

    async def _try_to_return(self) -> bool:
        try:
            with contextlib.suppress(RedisError, OSError):
                await self.servers.disconnect()
            self.reign = ""
            await self.servers.find()
            # Its first connection says of which reign it is, and what is sent from now on names that.
            await self.servers.at_tokens("PING")
            epoch = await self._come_back()
        except (RedisError, OSError, TierUnavailable):
            return False
        except Exception:
            logger.exception("draining the outbox failed: not reading from Redis yet")
            return False
        self.epoch = epoch.encode()
        self._breaker.close()
        self._on_back()
        return True

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks[name] = asyncio.create_task(work, name=f"redis {name}")
