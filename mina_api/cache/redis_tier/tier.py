"""Entries, tag tokens and leases in Redis or Valkey, behind a breaker."""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from redis.asyncio import BlockingConnectionPool

from mina_api.cache.clock import Clock, SystemClock
from mina_api.cache.config import CacheConfig
from mina_api.cache.memory import Memory
from mina_api.cache.redis_tier import commands, scripts
from mina_api.cache.redis_tier.backplane import Backplane
from mina_api.cache.redis_tier.channel import LARGE
from mina_api.cache.redis_tier.greeting import fields
from mina_api.cache.redis_tier.keys import Names
from mina_api.cache.redis_tier.link import Link, Read, as_it_is
from mina_api.cache.redis_tier.scripts import Script
from mina_api.cache.redis_tier.target import TlsFiles, parse_target
from mina_api.cache.redis_tier.uses import Uses
from mina_api.cache.tier import Claimed, Fetched, FetchedAll, ServerMemory, TierUnavailable

Lift = Callable[[Sequence[str], Sequence[str]], Awaitable[None]]
# Given a way to lift, and the server's reign: the epoch that peers have agreed on for it, None without peers.
OnReturn = Callable[[Lift, str], Awaitable[str | None]]


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
        self.names = Names(config.namespace)
        self._clock = clock or SystemClock()
        self._lease_seconds = config.memory_lease_seconds
        self._link = Link(
            parse_target(url, tls),
            config,
            self.names.register,
            come_back=self._come_back,
            on_loss=self._lost,
            on_back=lambda: self._backplane.listen_now(),
        )
        self._uses = Uses(self._link, self.names)
        self._memory: Memory | None = None
        self._backplane = Backplane(
            self.names,
            self._clock,
            lease_seconds=config.memory_lease_seconds,
            pause_seconds=config.probe_max_seconds,
            connect=self._link.servers.listening_connection,
            register=self._register,
            publish=self._publish,
            is_available=lambda: self.is_available,
        )
        self._listening: asyncio.Task[None] | None = None

    @property
    def is_available(self) -> bool:
        """Whether the breaker is closed."""
        return self._link.is_closed

    @property
    def epoch(self) -> bytes:
        """What peers call the present server's reign, else the reign itself."""
        return self._link.epoch

    def look_again(self) -> None:
        """Peers use another server: see whether the one that is used here is still the one to use."""
        self._link.look_again()

    def lose(self) -> None:
        """Peers have given up the present server's epoch: come back as after any loss."""
        if self._link.is_closed:
            self._link.trip(ConnectionError("its epoch is over"))

    def pool(self, connections: int) -> BlockingConnectionPool:
        """A pool of the caller's own to the server that has the tokens, for keys in their slot."""
        return self._link.servers.pool(connections)

    async def start(self, memory: Memory) -> None:
        """Connect once; where that fails, leave it to the probe."""
        self._memory = memory
        await self._link.start()
        self._listening = asyncio.create_task(self._backplane.run(memory), name="redis backplane")

    async def close(self) -> None:
        """End the probe and the backplane, give the lease on memory back, and close every connection."""
        await self._link.stop()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        with contextlib.suppress(TierUnavailable):
            await self._link.call("HDEL", self.names.register, self._backplane.process)
        # A server that is found lost only now has a probe sent after it.
        await self._link.stop()
        await self._link.servers.close()

    async def memory(self) -> ServerMemory:
        """`INFO memory`."""
        known = fields(await self._link.call("INFO", "memory"))
        return ServerMemory(
            known.get("used_memory_human", ""),
            known.get("maxmemory_human", ""),
            int(known.get("used_memory", 0)),
            int(known.get("maxmemory", 0)),
        )

    # Entries

    async def fetch(self, key: str, tags: Sequence[str]) -> Fetched:
        """Entry and tokens, in one round trip.

        Their order does not matter: the entry is current if each of its tokens still was its tag's at any moment
        after the request began, and a token never comes back.
        """
        found = await self.fetch_all((key,), tags)
        return Fetched(found.data[0], found.tokens, found.epoch)

    async def fetch_all(self, keys: Sequence[str], tags: Sequence[str]) -> FetchedAll:
        """The same of several entries at once."""
        epoch = self._link.epoch
        data, tokens = await self._link.fetch(keys, self.names.tokens(tuple(tags)))
        return FetchedAll(tuple(data), tuple(tokens), epoch)

    async def store(self, key: str, data: bytes, ttl_seconds: float, owner: str | None = None) -> None:
        """SET with expiry, by the script that gives the lease back too; a large value goes before that by itself."""
        milliseconds = max(1, round(ttl_seconds * 1000))
        if owner is not None and len(data) <= LARGE:
            keys = (key, *self.names.lease(key))
            released = (owner, self.names.released, key)
            await self._link.script(scripts.STORE, keys, data, milliseconds, *released, entry=key)
            return
        await self._link.call("SET", key, data, "PX", milliseconds, entry=key)
        if owner is not None:
            await self.release(key, owner)

    async def delete(self, keys: Sequence[str]) -> int:
        """UNLINK one by one, in one round trip: keys may live in different slots."""
        replies = await asyncio.gather(
            *(self._link.call("UNLINK", key, entry=key, read=commands.removed) for key in keys)
        )
        return sum(replies)

    async def forget(self, keys: Sequence[str]) -> None:
        """Tell every process, and wait until it has done so."""
        self._link.require()
        await self._announce(scripts.FORGET, [], keys)

    # Tags

    async def snapshot(self, tags: Sequence[str]) -> tuple[bytes | None, ...]:
        """Tokens by script, made where absent, None where held."""
        found: tuple[bytes | None, ...] = await self._link.script(
            scripts.SNAPSHOT, self.names.tags(tags), _new_token(), read=commands.tokens
        )
        return found

    async def hold(self, tags: Sequence[str], owner: str, seconds: float) -> None:
        """Phase 1 of a write."""
        await self._write_tags(scripts.HOLD, tags, f"!{_new_token()}", owner, round(seconds * 1000))

    async def lift(self, tags: Sequence[str], owners: Sequence[str]) -> None:
        """Phase 2 of a write."""
        await self._write_tags(scripts.LIFT, tags, _new_token(), *owners)

    async def _write_tags(self, script: Script, tags: Sequence[str], *arguments: Any) -> None:
        self._link.require()
        with self._link.lost_if_refused():
            await self._announce(script, tags, arguments=arguments)

    async def _announce(
        self, script: Script, tags: Sequence[str], names: Sequence[str] = (), arguments: Sequence[Any] = ()
    ) -> None:
        """Run `script`; returns once nobody serves from memory what was under `tags` or `names` before it."""
        sender = self._backplane.process
        keys = [self.names.register, *self.names.tags(tags)]
        with self._backplane.expecting(tags, names) as (message, acknowledgements):
            how = (self._link.reign, round(self._lease_seconds * 1000), self.names.forget, message, sender)
            try:
                unknown, left = await self._link.run(script, keys, *how, *arguments, read=commands.waits)
            finally:
                if self._memory is not None:
                    self._memory.forget(tags, names)
            await acknowledgements.wait(unknown, left, self._clock)

    async def _register(self, process: str, seconds: float) -> None:
        """Begin or prolong this process's lease on what it has in memory; 0 if it needs none."""
        self._link.require()
        with self._link.lost_if_refused():
            await self._enrol(process, seconds)

    async def _enrol(self, process: str, seconds: float) -> None:
        await self._link.run(scripts.REGISTER, [self.names.register], self._link.reign, process, round(seconds * 1000))

    def _publish(self, channel: str, message: str) -> None:
        """Tell, without waiting: who does not hear it waits for the end of a lease."""
        if self._link.is_closed:
            self._link.servers.at_tokens("PUBLISH", channel, message)

    # Uses

    async def record_uses(self, day: int, counts: Mapping[str, int], keep: int) -> None:
        """As `Uses.record`."""
        await self._uses.record(day, counts, keep)

    async def most_used(self, day: int, limit: int) -> dict[str, int]:
        """As `Uses.highest`."""
        return await self._uses.highest(day, limit)

    # Leases

    async def claim(
        self, key: str, tags: Sequence[str], owner: str, seconds: float, seen: bytes | None = None
    ) -> Claimed:
        """SET NX PX by script, which marks that somebody waits if it is taken; then as `fetch`."""
        epoch = self._link.epoch
        how = (owner, round(seconds * 1000)) if seen is None else (owner, round(seconds * 1000), seen)
        left, data, values = await self._link.fetch_after(
            scripts.CLAIM, (key, *self.names.lease(key)), how, key, self.names.tokens(tuple(tags))
        )
        return Claimed(None if left < 0 else left / 1000, Fetched(data, tuple(values), epoch))

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """PEXPIRE if still ours."""
        lease, _ = self.names.lease(key)
        return bool(await self._link.script(scripts.RENEW, [lease], owner, round(seconds * 1000), entry=key))

    async def release(self, key: str, owner: str) -> None:
        """DEL if still ours; publishes only where somebody waits."""
        await self._link.script(scripts.RELEASE, self.names.lease(key), owner, self.names.released, key, entry=key)

    def watch(self, key: str) -> AbstractContextManager[asyncio.Event]:
        """An event set by the publication of `release`, or when publications may have been missed."""
        return self._backplane.watch(key)

    # What is no part of the cache's own work

    async def texts(self, names: Sequence[str], most_bytes: int) -> Sequence[bytes | None]:
        """The strings under names in the tokens' slot, each but for what is beyond `most_bytes`."""
        return await self._link.texts(names, most_bytes)

    async def call(self, *command: Any, entry: str | None = None) -> Any:
        """The reply of the server that has the tokens, or that has an entry; raises TierUnavailable."""
        return await self._link.call(*command, entry=entry)

    async def script(self, script: Script, keys: Sequence[str], *arguments: Any, read: Read = as_it_is) -> Any:
        """The reply to a script on keys in the tokens' slot, as `read` gives it; raises TierUnavailable."""
        return await self._link.script(script, keys, *arguments, read=read)

    async def scan(self, cursor: str, pattern: str, count: int) -> tuple[str | None, list[bytes]]:
        """One step of a SCAN over all servers: where the next begins, None after the last, and names."""
        return await self._link.scan(cursor, pattern, count)

    # Losing the server and finding it again

    async def _come_back(self) -> str:
        async def lift(tags: Sequence[str], owners: Sequence[str]) -> None:
            await self._announce(scripts.LIFT, tags, arguments=(_new_token(), *owners))

        # A write, which a server out of memory or a replica refuses: what cannot be invalidated is not read.
        await self._enrol(self._backplane.process, 0)
        return await self._on_return(lift, self._link.reign) or self._link.reign

    def _lost(self) -> None:
        self._on_loss()
        self._backplane.wake_all()


def _new_token() -> str:
    return secrets.token_urlsafe(12)
