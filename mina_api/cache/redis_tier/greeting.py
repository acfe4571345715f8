"""What a new connection is asked before it is used: which server answers, and since when it is the primary.

A *reign* is one server's time as the primary: its `run_id`, which a restart changes, with its replication id, which
a promotion changes. Replication is asynchronous: a replica that is promoted may lack tokens, holds and leases that
were acknowledged, and so may a server that comes back with the data of its disk. So nothing of one reign is valid
in another.
"""

from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from mina_api.cache.redis_tier import scripts


class OtherServer(RedisConnectionError):
    """The server that answers is a replica, or of another reign than the one that is used."""


async def greet(connection: AbstractConnection) -> str:
    """Log in and load the scripts, in one round trip; the server's reign. Raises OtherServer at a replica."""
    await connection.on_connect()
    commands = [
        ("INFO", "server"),
        ("INFO", "replication"),
        *(("SCRIPT", "LOAD", script.source) for script in scripts.ALL),
    ]
    await connection.send_packed_command(connection.pack_commands(commands))
    known = {**fields(await connection.read_response()), **fields(await connection.read_response())}
    for _ in scripts.ALL:
        await connection.read_response()
    return _reign(known)


async def greet_listener(connection: AbstractConnection) -> str:
    """Log in; the server's reign."""
    await connection.on_connect()
    await connection.send_packed_command(connection.pack_commands([("INFO", "server"), ("INFO", "replication")]))
    return _reign({**fields(await connection.read_response()), **fields(await connection.read_response())})


def fields(information: Any) -> dict[str, str]:
    """The fields of an INFO reply, raw or as the client has parsed it."""
    if isinstance(information, dict):
        return {str(name): str(value) for name, value in information.items()}
    lines = (line.partition(":") for line in bytes(information).decode().splitlines())
    return {name: value.strip() for name, _, value in lines}


def _reign(known: dict[str, str]) -> str:
    if known.get("role") != "master":
        raise OtherServer("a replica answers")
    if not known.get("run_id") or not known.get("master_replid"):
        raise RedisConnectionError("INFO names no run_id or no replication id")
    return f"{known['run_id']}:{known['master_replid']}"
