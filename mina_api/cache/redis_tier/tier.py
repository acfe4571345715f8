"""Entries, tag tokens and leases in Redis or Valkey, behind a breaker."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoScriptError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mina_api.cache.breaker import Breaker
from mina_api.cache.clock import Clock, SystemClock
from mina_api.cache.config import CacheConfig
from mina_api.cache.memory import Memory
from mina_api.cache.redis_tier import scripts
from mina_api.cache.redis_tier.backplane import Backplane
from mina_api.cache.redis_tier.keys import Names
from mina_api.cache.redis_tier.pipeline import TurnPipeline
from mina_api.cache.redis_tier.scripts import Script
from mina_api.cache.tier import Fetched, ServerMemory, TierRefused, TierUnavailable

logger = logging.getLogger(__name__)

Lift = Callable[[Sequence[str], Sequence[str]], Awaitable[None]]
OnReturn = Callable[[Lift], Awaitable[object]]


async def _nothing_to_drain(_: Lift) -> None:
    return


class RedisTier:
    """Redis behind a breaker: closed only after a connection was made and `on_return` has drained the outbox."""

    def __init__(
        self, url: str, config: CacheConfig, on_return: OnReturn = _nothing_to_drain, *, clock: Clock | None = None
    ) -> None:
        self._on_return = on_return
        self._epoch = b""
        self._names = Names(config.namespace)
        self._clock = clock or SystemClock()
        self._lease_seconds = config.memory_lease_seconds
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=config.max_connections,
            timeout=config.command_timeout_seconds,
            socket_connect_timeout=config.connect_timeout_seconds,
            socket_timeout=config.command_timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            redis_connect_func=self._greet,
        )
        self._client = Redis(connection_pool=self._pool)
        self._pipeline = TurnPipeline(self._client, config.command_timeout_seconds)
        self._breaker = Breaker(first_wait_seconds=config.probe_seconds, longest_wait_seconds=config.probe_max_seconds)
        self._breaker.trip()
        self._memory: Memory | None = None
        listening = ConnectionPool.from_url(
            url,
            socket_connect_timeout=config.connect_timeout_seconds,
            # With one, redis-py sends by wait_for, which on Python 3.11 may swallow a cancellation.
            socket_timeout=None,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._backplane = Backplane(
            self._names,
            self._clock,
            lease_seconds=config.memory_lease_seconds,
            pause_seconds=config.probe_max_seconds,
            connect=listening.make_connection,
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
        """The `run_id` of the server that the newest connection reached."""
        return self._epoch

    @property
    def client(self) -> Redis:
        """The pooled client, for operations that are not on a request's path."""
        return self._client

    async def start(self, memory: Memory) -> None:
        """Connect once; where that fails, leave it to the probe."""
        self._memory = memory
        if not await self._try_to_return():
            logger.error("Redis cannot be reached: answering from Postgres until it can")
            self._spawn("probe", self._probe())
        self._spawn("backplane", self._backplane.run(memory))

    async def close(self) -> None:
        """End the probe and the backplane, give the lease on memory back, and close every connection."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        with contextlib.suppress(TierUnavailable):
            await self._call("HDEL", self._names.register, self._backplane.process)
        await self._pipeline.close()
        await self._client.aclose()
        await self._pool.disconnect()

    async def memory(self) -> ServerMemory:
        """`INFO memory`."""
        fields = _fields(await self._call("INFO", "memory"))
        return ServerMemory(fields.get("used_memory_human", ""), fields.get("maxmemory_human", ""))

    # Entries

    async def fetch(self, key: str, tags: Sequence[str]) -> Fetched:
        """Entry and tokens by one MGET.

        Their order does not matter: the entry is current if its tokens still were at any moment after the
        request began, and a token never comes back.
        """
        data, *tokens = await self._call("MGET", key, *map(self._names.token, tags))
        return Fetched(data, tuple(tokens), self._epoch)

    async def store(self, key: str, data: bytes, ttl_seconds: float) -> None:
        """SET with expiry."""
        await self._call("SET", key, data, "PX", max(1, round(ttl_seconds * 1000)))

    async def delete(self, keys: Sequence[str]) -> int:
        """UNLINK one by one, in one round trip: keys may live in different slots."""
        replies = await asyncio.gather(*(self._call("UNLINK", key) for key in keys))
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
        try:
            await self._announce(script, tags, arguments=arguments)
        except TierRefused as refusal:
            # A tag that cannot be invalidated must not be read: stay away until the outbox is drained.
            self._trip(refusal)
            raise

    async def _announce(
        self, script: Script, tags: Sequence[str], names: Sequence[str] = (), arguments: Sequence[Any] = ()
    ) -> None:
        """Run `script`; returns once nobody serves from memory what was under `tags` or `names` before it."""
        sender = self._backplane.process
        keys = [self._names.register, *self._names.tags(tags)]
        with self._backplane.expecting(tags, names) as (message, acknowledgements):
            how = (round(self._lease_seconds * 1000), self._names.forget, message, sender)
            try:
                unknown, *others = await self._run(script, keys, *how, *arguments)
            finally:
                if self._memory is not None:
                    self._memory.forget(tags, names)
            left = {
                name.decode(): milliseconds / 1000 for name, milliseconds in zip(others[::2], others[1::2], strict=True)
            }
            await acknowledgements.wait(unknown / 1000, left, self._clock)

    async def _register(self, process: str) -> None:
        """Begin or prolong this process's lease on what it has in memory."""
        length = self._lease_seconds if self._memory is not None and self._memory.is_used else 0.0
        await self._script(scripts.REGISTER, [self._names.register], process, round(length * 1000))

    def _publish(self, channel: str, message: str) -> None:
        """Tell, without waiting: who does not hear it waits for the end of a lease."""
        if self._breaker.is_closed:
            self._pipeline.submit("PUBLISH", channel, message)

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
        left: int = await self._script(scripts.ACQUIRE, keys, owner, round(seconds * 1000))
        return left / 1000

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """PEXPIRE if still ours."""
        return bool(await self._script(scripts.RENEW, [self._names.lease(key)], owner, round(seconds * 1000)))

    async def release(self, key: str, owner: str) -> None:
        """DEL if still ours; publishes only where somebody waits."""
        keys = [self._names.lease(key), self._names.wait(key)]
        await self._script(scripts.RELEASE, keys, owner, self._names.released, key)

    def watch(self, key: str) -> AbstractContextManager[asyncio.Event]:
        """An event set by the publication of `release`, or when publications may have been missed."""
        return self._backplane.watch(key)

    # Commands

    def _require(self) -> None:
        if not self._breaker.is_closed:
            raise TierUnavailable("the breaker is open")

    async def _call(self, *command: Any) -> Any:
        self._require()
        return await self._submit(*command)

    async def _script(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        self._require()
        return await self._run(script, keys, *arguments)

    async def _run(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        try:
            return await self._submit("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self._submit("EVAL", script.source, len(keys), *keys, *arguments)

    async def _submit(self, *command: Any) -> Any:
        try:
            return await self._pipeline.submit(*command)
        except NoScriptError:
            raise
        except (
            RedisConnectionError,
            RedisTimeoutError,
            BusyLoadingError,
            AuthenticationError,
            OSError,
        ) as failure:
            self._trip(failure)
            raise TierUnavailable(str(failure)) from failure
        except ResponseError as refusal:
            logger.error("Redis refused %s: %s", command[0], refusal)
            raise TierRefused(str(refusal)) from refusal

    # Losing the server and finding it again

    async def _greet(self, connection: Any) -> None:
        """Log in, learn which server this is, and load the scripts, before the connection is used."""
        await connection.on_connect()
        commands = [("INFO", "server"), *(("SCRIPT", "LOAD", script.source) for script in scripts.ALL)]
        await connection.send_packed_command(connection.pack_commands(commands))
        information = await connection.read_response()
        for _ in scripts.ALL:
            await connection.read_response()
        self._epoch = _run_id(information)

    def _trip(self, failure: Exception) -> None:
        if self._breaker.trip():
            logger.error("Redis is lost (%s): answering from Postgres", failure)
            self._backplane.wake_all()
            self._spawn("probe", self._probe())

    async def _probe(self) -> None:
        with contextlib.suppress(RedisError, OSError):
            await self._pool.disconnect()
        while True:
            await asyncio.sleep(self._breaker.next_wait())
            if await self._try_to_return():
                logger.info("Redis is back")
                return

    async def _try_to_return(self) -> bool:
        async def lift(tags: Sequence[str], owners: Sequence[str]) -> None:
            await self._announce(scripts.LIFT, tags, arguments=(_new_token(), *owners))

        try:
            await self._pipeline.submit("PING")
            await self._on_return(lift)
        except (RedisError, OSError, TierUnavailable):
            return False
        except Exception:
            logger.exception("draining the outbox failed: not reading from Redis yet")
            return False
        self._breaker.close()
        return True

    def _spawn(self, name: str, work: Any) -> None:
        self._tasks[name] = asyncio.create_task(work, name=f"redis {name}")


def _new_token() -> str:
    return secrets.token_urlsafe(12)


def _pairs(reply: Any) -> Iterator[tuple[bytes, bytes]]:
    """Members and scores, in pairs already or by turns, as the client has them."""
    return iter(reply) if not reply or isinstance(reply[0], tuple | list) else zip(reply[::2], reply[1::2], strict=True)


def _fields(information: Any) -> dict[str, str]:
    """The fields of an INFO reply, raw or as the client has parsed it."""
    if isinstance(information, dict):
        return {str(name): str(value) for name, value in information.items()}
    lines = (line.partition(":") for line in bytes(information).decode().splitlines())
    return {name: value.strip() for name, _, value in lines}


def _run_id(information: Any) -> bytes:
    run_id = _fields(information).get("run_id", "")
    if not run_id:
        raise RedisConnectionError("INFO server names no run_id")
    return run_id.encode()
