"""The servers of a Cluster: tokens, holds and the register on the one that has their slot, each entry on its own.

Commands on tokens follow no redirection: where their slot is about to move, or has moved, its server is lost as by
any failure, and found anew. Those on entries follow MOVED and ASK (Redis documentation, "Cluster specification"):
an entry has no say in whether it is current.
"""

import asyncio
import random
from collections.abc import Awaitable, Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import AskError, MovedError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from mina_api.cache.redis_tier.channel import Channel
from mina_api.cache.redis_tier.commands import MOST_TOKEN_BYTES, number, packed, scanned, text, texts
from mina_api.cache.redis_tier.servers import Connecting, Greet, Place, Values, log_in
from mina_api.cache.redis_tier.target import Address

REDIRECTIONS = 3


class ClusterServers:
    """The primaries of a Cluster; `token_key` is any key in the slot of the tokens."""

    def __init__(self, connecting: Connecting, token_key: str, greet: Greet, greet_listener: Greet) -> None:
        self._connecting = connecting
        self._token_slot = key_slot(token_key.encode())
        self._greet_listener = greet_listener
        self._place = Place()
        self._tokens = connecting.channel(self._place, greet)
        self._owners: list[Address] = []
        # Each primary, as it has entries.
        self._nodes: dict[Address, Channel] = {}

    async def find(self) -> None:
        """Ask the nodes that are known who has which slot; a Cluster is back when each of its primaries answers."""
        self._owners = await self._ask_for_owners()
        self._place.address = self._owners[self._token_slot]
        primaries = set(self._owners)
        gone = [self._nodes.pop(address) for address in self._nodes.keys() - primaries]
        await asyncio.gather(*(node.close() for node in gone))
        await asyncio.gather(*(self._node(address).submit("PING") for address in primaries))

    def at_tokens(self, *command: Any) -> Awaitable[Any]:
        """The reply of the server that has the tokens."""
        return self._tokens.submit(*command)

    async def at_entry(self, key: str, *command: Any) -> Any:
        """The reply of the server that has the slot of `key`, followed where that moves."""
        slot = key_slot(key.encode())
        for _ in range(REDIRECTIONS):
            try:
                return await self._node(self._owners[slot]).submit(*command)
            except MovedError as moved:
                self._owners[slot] = self._address(moved, self._owners[slot])
            except AskError as asked:
                node = self._node(self._address(asked, self._owners[slot]))
                return await node.submit_next(("ASKING",), command)
        raise RedisConnectionError("the Cluster sends us from node to node")

    async def fetch(self, keys: Sequence[str], tokens: Sequence[str]) -> tuple[Values, Values]:
        """GETRANGEs to their servers at once: which is answered first does not matter.

        What says that an entry is current is that each of its tokens is the tag's at a moment after the request
        began. A token never comes back: no write under that tag had been acknowledged between the read of the token
        that the entry was stored under, before its load, and that moment. So the entry has every write that was
        acknowledged before the request began, whether its bytes were read before or after.
        """
        most = self._connecting.entry_bytes
        asked = (self.at_entry(key, *text(key, most)) for key in keys)
        values, *data = await asyncio.gather(self.texts(tokens, MOST_TOKEN_BYTES), *asked, return_exceptions=True)
        if isinstance(values, BaseException):
            raise values
        return texts(data), values

    async def fetch_after(
        self, command: Sequence[Any], key: str, tokens: Sequence[str]
    ) -> tuple[int, bytes | None, Values]:
        """The command to the entry's server, before the entry is asked for; where both are sent on, in that order."""
        reply, (data, values) = await asyncio.gather(self.at_entry(key, *command), self.fetch((key,), tokens))
        return number(reply), data[0], values

    async def texts(self, names: Sequence[str], most_bytes: int) -> Values:
        """GETRANGEs, one right after the other."""
        asked = b"".join([packed(name, most_bytes) for name in names])
        return texts(await self._tokens.send(asked, len(names))) if names else []

    async def scan(self, cursor: str, pattern: str, count: int) -> tuple[str | None, list[bytes]]:
        """One step of a SCAN over one primary after the other; the cursor names which, by turns of their addresses."""
        primaries = sorted(set(self._owners))
        index, _, inner = cursor.rpartition("-")
        at = int(index or 0)
        if at >= len(primaries):
            return None, []
        reply = await self._node(primaries[at]).submit("SCAN", inner, "MATCH", pattern, "COUNT", count)
        following, names = scanned(reply)
        if following:
            return f"{at}-{following}", names
        return (f"{at + 1}-0" if at + 1 < len(primaries) else None), names

    def listening_connection(self) -> AbstractConnection:
        """A new connection to the server that has the tokens.

        What is published is heard throughout a Cluster, but in order only where it is published: by the scripts,
        on this server.
        """
        return self._connecting.connection(self._place, self._greet_listener)

    def pool(self, connections: int) -> BlockingConnectionPool:
        """A pool to the server that has the tokens."""
        return self._connecting.pool(self._place, log_in, connections=connections)

    async def disconnect(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(channel.disconnect() for channel in self._channels()))

    async def close(self) -> None:
        """Close everything."""
        await asyncio.gather(*(channel.close() for channel in self._channels()))

    def _channels(self) -> tuple[Channel, ...]:
        return (self._tokens, *self._nodes.values())

    def _node(self, address: Address) -> Channel:
        if (node := self._nodes.get(address)) is None:
            node = self._nodes[address] = self._connecting.channel(Place(address), log_in)
        return node

    @staticmethod
    def _address(redirection: AskError, asked: Address) -> Address:
        """Whom it names; no host means the one that was asked."""
        return (redirection.host or asked[0], redirection.port)

    async def _ask_for_owners(self) -> list[Address]:
        known = list({*self._nodes, *self._connecting.target.addresses})
        random.shuffle(known)
        failure: Exception = RedisConnectionError("no node of the Cluster is known")
        for address in known:
            try:
                return _owners(await self._node(address).submit("CLUSTER", "SLOTS"), address[0])
            except (RedisError, OSError) as found:
                failure = found
        raise failure


def _owners(reply: Sequence[Sequence[Any]], asked: str) -> list[Address]:
    """Which primary has which slot, by CLUSTER SLOTS; raises RedisConnectionError unless each slot has one."""
    owners: list[Address | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
    for first, last, primary, *_ in reply:
        host = bytes(primary[0] or b"").decode() or asked
        owners[int(first) : int(last) + 1] = [(host, int(primary[1]))] * (int(last) - int(first) + 1)
    if None in owners:
        raise RedisConnectionError("a slot of the Cluster has no server")
    return [owner for owner in owners if owner is not None]
