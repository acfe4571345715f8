"""Garbage for each place where workers tell each other something: of another type, malformed, of another shape."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from redis.asyncio import Redis

Put = Callable[[Redis, str, bytes], Awaitable[Any]]
STATE = "mina:{tags}:"
TODAY = "uses today"

# No text, no JSON, no JSON of ours, numbers beyond any, what cannot be said in JSON or in UTF-8.
TEXTS: Mapping[str, bytes] = {
    "nothing": b"",
    "random bytes": bytes((7 * number) % 251 for number in range(2000)),
    "no UTF-8": b'"\xff\xfe"',
    "no JSON": b"{",
    "null": b"null",
    "a number": b"7",
    "a string": b'"text"',
    "a list": b"[1, 2]",
    "lists in lists": b"[[1], [2, [3]], {}]",
    "an empty object": b"{}",
    "objects in an object": b'{"at": {"at": 1}, "hit_rate": {"state": []}, "started": {}, "path": {}}',
    "a very deep list": b"[" * 1_900,
    "a very deep object": b'{"a":' * 380,
    "not a number": b"NaN",
    "infinity": b"[Infinity, -Infinity, 1e999]",
    "digits without end": b"9" * 1_900,
    "names of another kind": json.dumps({"\x00\x1b[2J\n": "\x00\r\n", "": None}).encode(),
    "half a surrogate": b'{"at": 1, "request": "\\ud800", "tag": "\\udfff"}',
    "padded": b" 7 ",
    "underscored": b"1_000",
    "negative": b"-5",
    "a time and no object": b"1795500000 7",
    "a time before any": b"-99999999999999999999 {}",
    "no time": b"x {}",
}
# What is of the right shape, and of values that cannot be.
NUMBERS: tuple[bytes, ...] = (b"NaN", b"Infinity", b"-1", b"1e308", b"1e999", b"9" * 400, b"true", b"[]", b'"1"')
SHAPES: Mapping[str, tuple[bytes, ...]] = {
    "worker": (
        b'1795500000 {"pid":1,"host":"h","started":%b,"hits":%b,"misses":0,"errors":0,"redis":true,'
        b'"serves_from_memory":true,"memory_entries":0,"memory_bytes":%b,"evictions":0,"loads_in_flight":0,'
        b'"loads_waiting":0}',
    ),
    "alerts": (b'{"at":%b}', b'{"at":1795500000,"hit_rate":{"state":"ok","since":%b,"value":%b}}'),
    "log levels": (b'{"mina_api":["DEBUG",%b]}', b'{"root":["NONE",%b]}', b'{"":["DEBUG",%b]}'),
    "invalidation": (b'{"at":%b}', b'{"at":1795500000,"tag":"t","user":%b}'),
    "point": (b'{"at":%b,"hits":%b,"misses":1,"errors":1,"hit_buckets":[%b]}',),
    "sample": (b"[%b,1,1]", b"[1,%b,1]", b"[1,1,%b]", b"[1,1,0]", b"[1,1]"),
    "recipe": (b'{"path":%b,"query":"","user_id":null,"scope":null,"audience":null}', b'{"path":"/"}'),
    "count": (b"%b",),
}


async def set_text(redis: Redis, name: str, data: bytes) -> Any:
    """As a string."""
    return await redis.set(name, data)


def as_field(field: bytes) -> Put:
    """As the value of a field, beside what is there."""

    async def put(redis: Redis, name: str, data: bytes) -> Any:
        return await redis.hset(name, field, data)

    return put


async def as_name(redis: Redis, name: str, data: bytes) -> Any:
    """As a field's name."""
    return await redis.hset(name, data, b"1")


async def push(redis: Redis, name: str, data: bytes) -> Any:
    """As the newest item of a list."""
    return await redis.lpush(name, data)


async def score(redis: Redis, name: str, data: bytes) -> Any:
    """As what was used without end."""
    return await redis.zadd(name, {data: float("inf")})


# By what it is: the key, how something is put there, and the shape that it has.
PLACES: Mapping[str, tuple[str, Put, str]] = {
    "the hits": (f"{STATE}counts", as_field(b"hits"), "count"),
    "when counts began": (f"{STATE}counts", as_field(b"since"), "count"),
    "a bucket that is none": (f"{STATE}counts", as_field(b"latency|hit|99"), "count"),
    "an endpoint's hits": (f"{STATE}counts", as_field(b"endpoint|\x1b[2J\n|hits"), "count"),
    "a count's name": (f"{STATE}counts", as_name, "count"),
    "a worker": (f"{STATE}workers", as_field(b"hostile"), "worker"),
    "a worker's name": (f"{STATE}workers", as_name, "worker"),
    "alerts": (f"{STATE}note:alerts", set_text, "alerts"),
    "log levels": (f"{STATE}note:log-levels", set_text, "log levels"),
    "points": (f"{STATE}series:points", push, "point"),
    "invalidations": (f"{STATE}series:invalidations", push, "invalidation"),
    "samples with the cache": (f"{STATE}series:samples:cache", push, "sample"),
    "samples without": (f"{STATE}series:samples:control", push, "sample"),
    "uses": (TODAY, score, "recipe"),
}


def garbage(shape: str) -> list[bytes]:
    """All that is put in a place."""
    shaped = [form.replace(b"%b", number) for form in SHAPES[shape] for number in NUMBERS]
    return [*TEXTS.values(), *shaped]


OTHER_TYPES: tuple[tuple[str, ...], ...] = (
    ("SET", "x"),
    ("RPUSH", "x"),
    ("SADD", "x"),
    ("ZADD", "1", "x"),
    ("HSET", "x", "x"),
    ("XADD", "*", "x", "x"),
    ("SETBIT", "100000", "1"),
)


async def become(redis: Redis, name: str, command: str, *arguments: str) -> None:
    """Have a key be what a command makes of nothing."""
    await redis.delete(name)
    await redis.execute_command(command, name, *arguments)  # type: ignore[no-untyped-call]
