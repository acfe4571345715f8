"""Entries, tag tokens and leases in Redis or Valkey, behind a breaker."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mina_api.cache.breaker import Breaker
from mina_api.cache.clock import Clock, SystemClock
from mina_api.cache.config import CacheConfig
from mina_api.cache.memory import Memory
from mina_api.cache.redis_tier import scripts
from mina_api.cache.redis_tier.backplane import Backplane
from mina_api.cache.redis_tier.cluster import ClusterServers
from mina_api.cache.redis_tier.greeting import OtherServer, fields, greet, greet_listener
from mina_api.cache.redis_tier.keys import Names
from mina_api.cache.redis_tier.scripts import Script
from mina_api.cache.redis_tier.servers import Connecting, OneServer, Servers, Timing, connected
from mina_api.cache.redis_tier.target import TlsFiles, parse_target
from mina_api.cache.tier import Fetched, FetchedAll, ServerMemory, TierRefused, TierUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")
Lift = Callable[[Sequence[str], Sequence[str]], Awaitable[None]]
# Given a way to lift, and the server's reign: the epoch that peers have agreed on for it, None without peers.
OnReturn = Callable[[Lift, str], Awaitable[str | None]]

# Of all replies these alone say that the server is lost, or no longer the one to ask.
LOST = (
    RedisConnectionError,
    RedisTimeoutError,
    BusyLoadingError,
    AuthenticationError,
    ReadOnlyError,
    AskError,
    TryAgainError,
    ClusterDownError,
    OSError,
)


async def _nothing_to_drain(_: Lift, __: str) -> None:
    return


def _nobody_to_tell() -> None:
    return


class RedisTier:
    """Redis behind a breaker: closed only after a connection was made and `on_return` has drained the outbox.

    `on_loss` is told when it opens, and waits for nothing.
    """

    def __init__(
        self,
        url: str,
        config: CacheConfig,
        on_return: OnReturn = _nothing_to_drain,
        on_loss: Callable[[], None] = _nobody_to_tell,
        *,
        clock: Clock | None = None,
        tls: TlsFiles | None = None,
    ) -> None:
        self._on_return = on_return
        self._on_loss = on_loss
        self._reign = ""
        self._epoch = b""
        self._names = Names(config.namespace)
        self._clock = clock or SystemClock()
        self._lease_seconds = config.memory_lease_seconds
        self._look_seconds = config.connect_timeout_seconds + config.command_timeout_seconds
        timing = Timing(config.max_connections, config.connect_timeout_seconds, config.command_timeout_seconds)
        connecting = Connecting(parse_target(url, tls), timing)
        self._servers: Servers = (
            ClusterServers(connecting, self._names.register, self._greet, self._greet_listener)
            if connecting.target.kind == "cluster"
            else OneServer(connecting, self._greet, self._greet_listener)
        )
        self._breaker = Breaker(first_wait_seconds=config.probe_seconds, longest_wait_seconds=config.probe_max_seconds)
        self._breaker.trip()
        self._memory: Memory | None = None
        self._backplane = Backplane(
            self._names,
            self._clock,
            lease_seconds=config.memory_lease_seconds,
            pause_seconds=config.probe_max_seconds,
            connect=self._servers.listening_connection,
            register=self._register,
            publish=self._publish,
            is_available=lambda: self.is_available,
        )
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def is_available(self) -> bool:
        """Whether the breaker is closed."""
        return self._breaker.is_closed

    @property
    def epoch(self) -> bytes:
        """What peers call the present server's reign, else the reign itself."""
        return self._epoch

    def look_again(self) -> None:
        """Peers use another server: see whether the one that is used here is still the one to use."""
        looking = self._tasks.get("look")
        if self._breaker.is_closed and (looking is None or looking.done()):
            self._spawn("look", self._look_again())

    def lose(self) -> None:
        """Peers have given up the present server's epoch: come back as after any loss."""
        if self._breaker.is_closed:
            self._trip(RedisConnectionError("its epoch is over"))

    def pool(self, connections: int) -> BlockingConnectionPool:
        """A pool of the caller's own to the server that has the tokens, for keys in their slot."""
        return self._servers.pool(connections)

    async def start(self, memory: Memory) -> None:
        """Connect once; where that fails, leave it to the probe."""
        self._memory = memory
        if not await self._try_to_return():
            logger.error("Redis cannot be reached: answering from Postgres until it can")
            self._spawn("probe", self._probe())
        self._spawn("backplane", self._backplane.run(memory))

    async def close(self) -> None:
        """End the probe and the backplane, give the lease on memory back, and close every connection."""
        await self._end_tasks()
        with contextlib.suppress(TierUnavailable):
            await self._call("HDEL", self._names.register, self._backplane.process)
        # A server that is found lost only now has a probe sent after it.
        await self._end_tasks()
        await self._servers.close()

    async def memory(self) -> ServerMemory:
        """`INFO memory`."""
        known = fields(await self._call("INFO", "memory"))
        return ServerMemory(known.get("used_memory_human", ""), known.get("maxmemory_human", ""))

    # Entries

    async def fetch(self, key: str, tags: Sequence[str]) -> Fetched:
        """Entry and tokens, in one round trip.

        Their order does not matter: the entry is current if its tokens still were at any moment after the
        request began, and a token never comes back.
        """
        found = await self.fetch_all((key,), tags)
        return Fetched(found.data[0], found.tokens, found.epoch)

    async def fetch_all(self, keys: Sequence[str], tags: Sequence[str]) -> FetchedAll:
        """The same of several entries at once."""
        self._require()
        epoch = self._epoch
        data, tokens = await self._reply_of("MGET", self._servers.fetch(keys, [self._names.token(tag) for tag in tags]))
        return FetchedAll(tuple(data), tuple(tokens), epoch)

    async def store(self, key: str, data: bytes, ttl_seconds: float) -> None:
        """SET with expiry."""
        await self._call("SET", key, data, "PX", max(1, round(ttl_seconds * 1000)), entry=key)

    async def delete(self, keys: Sequence[str]) -> int:
        """UNLINK one by one, in one round trip: keys may live in different slots."""
        replies = await asyncio.gather(*(self._call("UNLINK", key, entry=key) for key in keys))
        return sum(replies)

    async def forget(self, keys: Sequence[str]) -> None:
        """Tell every process, and wait until it has done so."""
        self._require()
        await self._announce(scripts.FORGET, [], keys)

    # Tags

    async def snapshot(self, tags: Sequence[str]) -> tuple[bytes | None, ...]:
        """Tokens by script, made where absent, None where held."""
        return tuple(await self._script(scripts.SNAPSHOT, self._names.tags(tags), _new_token()))

    async def hold(self, tags: Sequence[str], owner: str, seconds: float) -> None:
        """Phase 1 of a write."""
        await self._write_tags(scripts.HOLD, tags, f"!{_new_token()}", owner, round(seconds * 1000))

    async def lift(self, tags: Sequence[str], owners: Sequence[str]) -> None:
        """Phase 2 of a write."""
        await self._write_tags(scripts.LIFT, tags, _new_token(), *owners)

    async def _write_tags(self, script: Script, tags: Sequence[str], *arguments: Any) -> None:
        self._require()
        with self._lost_if_refused():
            await self._announce(script, tags, arguments=arguments)

    @contextlib.contextmanager
    def _lost_if_refused(self) -> Iterator[None]:
        """A tag that cannot be invalidated must not be read: stay away until the outbox is drained."""
        try:
            yield
        except TierRefused as refusal:
            self._trip(refusal)
            raise

    async def _announce(
        self, script: Script, tags: Sequence[str], names: Sequence[str] = (), arguments: Sequence[Any] = ()
    ) -> None:
        """Run `script`; returns once nobody serves from memory what was under `tags` or `names` before it."""
        sender = self._backplane.process
        keys = [self._names.register, *self._names.tags(tags)]
        with self._backplane.expecting(tags, names) as (message, acknowledgements):
            how = (self._reign, round(self._lease_seconds * 1000), self._names.forget, message, sender)
            try:
                unknown, *others = await self._run(script, keys, *how, *arguments)
            finally:
                if self._memory is not None:
                    self._memory.forget(tags, names)
            left = {
                name.decode(): milliseconds / 1000 for name, milliseconds in zip(others[::2], others[1::2], strict=True)
            }
            await acknowledgements.wait(unknown / 1000, left, self._clock)

    async def _register(self, process: str, seconds: float) -> None:
        """Begin or prolong this process's lease on what it has in memory; 0 if it needs none."""
        self._require()
        with self._lost_if_refused():
            await self._enrol(process, seconds)

    async def _enrol(self, process: str, seconds: float) -> None:
        await self._run(scripts.REGISTER, [self._names.register], self._reign, process, round(seconds * 1000))

    def _publish(self, channel: str, message: str) -> None:
        """Tell, without waiting: who does not hear it waits for the end of a lease."""
        if self._breaker.is_closed:
            self._servers.at_tokens("PUBLISH", channel, message)

    # Uses

    async def record_uses(self, day: int, counts: Mapping[str, int], keep: int) -> None:
        """ZINCRBY each, trimmed to the highest, in one round trip."""
        key = self._names.uses(day)
        await asyncio.gather(
            *(self._call("ZINCRBY", key, count, recipe) for recipe, count in counts.items()),
            self._call("ZREMRANGEBYRANK", key, 0, -keep - 1),
            self._call("EXPIRE", key, 172_800),
        )

    async def most_used(self, day: int, limit: int) -> dict[str, int]:
        """ZRANGE from the highest down."""
        reply = await self._call("ZRANGE", self._names.uses(day), 0, limit - 1, "REV", "WITHSCORES")
        return {name.decode(): int(float(score)) for name, score in _pairs(reply)}

    # Leases

    async def acquire(self, key: str, owner: str, seconds: float) -> float:
        """SET NX PX by script; marks that somebody waits if it is taken."""
        keys = [self._names.lease(key), self._names.wait(key)]
        left: int = await self._script(scripts.ACQUIRE, keys, owner, round(seconds * 1000), entry=key)
        return left / 1000

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """PEXPIRE if still ours."""
        keys = [self._names.lease(key)]
        return bool(await self._script(scripts.RENEW, keys, owner, round(seconds * 1000), entry=key))

    async def release(self, key: str, owner: str) -> None:
        """DEL if still ours; publishes only where somebody waits."""
        keys = [self._names.lease(key), self._names.wait(key)]
        await self._script(scripts.RELEASE, keys, owner, self._names.released, key, entry=key)

    def watch(self, key: str) -> AbstractContextManager[asyncio.Event]:
        """An event set by the publication of `release`, or when publications may have been missed."""
        return self._backplane.watch(key)

    # Commands

    def _require(self) -> None:
        if not self._breaker.is_closed:
            raise TierUnavailable("the breaker is open")

    async def _call(self, *command: Any, entry: str | None = None) -> Any:
        """The reply of the server that has the tokens, or that has an entry."""
        self._require()
        return await self._ask(*command, entry=entry)

    async def _script(self, script: Script, keys: Sequence[str], *arguments: Any, entry: str | None = None) -> Any:
        self._require()
        return await self._run(script, keys, *arguments, entry=entry)

    async def _run(self, script: Script, keys: Sequence[str], *arguments: Any, entry: str | None = None) -> Any:
        try:
            return await self._ask("EVALSHA", script.sha, len(keys), *keys, *arguments, entry=entry)
        except NoScriptError:
            return await self._ask("EVAL", script.source, len(keys), *keys, *arguments, entry=entry)

    async def _ask(self, *command: Any, entry: str | None = None) -> Any:
        servers = self._servers
        reply = servers.at_tokens(*command) if entry is None else servers.at_entry(entry, *command)
        return await self._reply_of(command[0], reply)

    async def _reply_of(self, name: str, reply: Awaitable[T]) -> T:
        try:
            return await reply
        except NoScriptError:
            raise
        except LOST as failure:
            self._trip(failure)
            raise TierUnavailable(str(failure)) from failure
        except ResponseError as refusal:
            if self._breaker.is_closed:
                logger.error("Redis refused %s: %s", name, refusal)
            raise TierRefused(str(refusal)) from refusal

    # Losing the server and finding it again

    async def _greet(self, connection: AbstractConnection) -> None:
        """Take the first connection's server for the one to ask until the breaker opens; refuse any other."""
        reign = await greet(connection)
        if self._reign not in ("", reign):
            raise OtherServer("another server answers")
        self._reign = reign

    async def _greet_listener(self, connection: AbstractConnection) -> None:
        if await greet_listener(connection) != self._reign:
            raise OtherServer("another server answers the backplane")

    def _trip(self, failure: Exception) -> None:
        if self._breaker.trip():
            logger.error("Redis is lost (%s): answering from Postgres", failure)
            self._on_loss()
            self._backplane.wake_all()
            self._spawn("probe", self._probe())

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(self._look_seconds):
                await self._servers.find()
                async with connected(self._servers.listening_connection()):
                    return
        except OtherServer as found:
            self._trip(found)
        except (RedisError, OSError) as failure:
            logger.warning("whether Redis is where it was cannot be seen: %s", failure)

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(self._breaker.next_wait())
            if await self._try_to_return():
                logger.info("Redis is back")
                return

    async def _try_to_return(self) -> bool:
        async def lift(tags: Sequence[str], owners: Sequence[str]) -> None:
            await self._announce(scripts.LIFT, tags, arguments=(_new_token(), *owners))

        try:
            with contextlib.suppress(RedisError, OSError):
                await self._servers.disconnect()
            self._reign = ""
            await self._servers.find()
            # A write, which a server out of memory or a replica refuses: what cannot be invalidated is not read.
            await self._enrol(self._backplane.process, 0)
            epoch = await self._on_return(lift, self._reign)
        except (RedisError, OSError, TierUnavailable):
            return False
        except Exception:
            logger.exception("draining the outbox failed: not reading from Redis yet")
            return False
        self._epoch = (epoch or self._reign).encode()
        self._breaker.close()
        return True

    async def _end_tasks(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _spawn(self, name: str, work: Any) -> None:
        self._tasks[name] = asyncio.create_task(work, name=f"redis {name}")


def _new_token() -> str:
    return secrets.token_urlsafe(12)


def _pairs(reply: Any) -> Iterator[tuple[bytes, bytes]]:
    """Members and scores, in pairs already or by turns, as the client has them."""
    return iter(reply) if not reply or isinstance(reply[0], tuple | list) else zip(reply[::2], reply[1::2], strict=True)
