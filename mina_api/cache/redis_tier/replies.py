"""What a server says, read with a bound: whoever writes to it may have made that longer than memory is."""

from collections.abc import AsyncIterator
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

CHUNK = 256 * 1024
# Of one reply, where nothing else is said.
MOST_BYTES = 16 * 1024 * 1024


# Equals no reply.
NOTHING = object()


async def pieces(connection: AbstractConnection, most_bytes: int = MOST_BYTES) -> AsyncIterator[list[Any]]:
    """The replies on a connection that is greeted, as many at once as came; it ends where the connection does.

    Raises ConnectionError for a reply of more than `most_bytes`, before it is there, and hiredis.ProtocolError for
    what is none.
    """
    stream: Any = connection._reader
    parser: Any = connection._parser
    reader = hiredis.Reader(replyError=parser.parse_error, notEnoughData=NOTHING)
    held = 0
    while data := await stream.read(CHUNK):
        reader.feed(data)
        held += len(data)
        if found := list(iter(reader.gets, NOTHING)):
            held = 0
            yield found
        if held > most_bytes:
            raise RedisConnectionError(f"a reply is larger than {most_bytes} bytes")


async def messages(connection: AbstractConnection) -> AsyncIterator[Any]:
    """What comes on a connection that subscribes, one by one.

    Raises what the server refuses, ConnectionError at the connection's end, and what `pieces` raises.
    """
    async for several in pieces(connection):
        for each in several:
            if isinstance(each, Exception):
                raise each
            yield each
    raise RedisConnectionError("the connection has ended")
