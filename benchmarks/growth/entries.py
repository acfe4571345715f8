"""Caches full of entries that were made without loading them, and reads that have to be hits."""

import math
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil
from redis.asyncio import Redis

from mina_api.cache.compression import compress, plain_body
from mina_api.cache.config import CacheConfig
from mina_api.cache.entry import Entry, encode
from mina_api.cache.keys import CacheKey, manual_key
from mina_api.cache.no_tier import NoTier
from mina_api.cache.outcome import Loaded, Outcome
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Read
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.service import CacheService

TTL_SECONDS = 86_400
BATCH = 1000
WORDS = ("meeting", "agenda", "quarter", "outage", "owner", "decision", "budget", "review", "draft", "customer", "risk")
# So many as an answer about a meeting has: of its prefix, its workspace, its viewer and itself.
TAGS = ("prefix", "workspace", "viewer", "meeting")
PATIENCE_SECONDS = 30.0


def a_body(size: int) -> bytes:
    """JSON of words, as compressible as answers are."""
    chance, parts, length = random.Random(size), [b'{"text":"'], 11
    while length < size:
        word = f"{chance.choice(WORDS)} {chance.randrange(10_000)} ".encode()[: size - length]
        parts.append(word)
        length += len(word)
    return b"".join([*parts, b'"}'])


def a_key(number: int) -> CacheKey:
    """The key of one entry."""
    return manual_key(namespace="mina", prefix="temp", key=f"entry-{number}")


def an_entry(key: CacheKey, body: bytes, tags: Sequence[str], tokens: Sequence[bytes], epoch: bytes) -> Entry:
    """An entry that is fresh for a day."""
    now = time.time()
    packed, compressed = compress(body, CacheConfig().compress_over_bytes)
    return Entry(
        key=key.canonical,
        # Entries of different answers share no bytes.
        body=bytes(bytearray(packed)),
        status=200,
        headers=((b"content-type", b"application/json"),),
        created=now,
        fresh_until=now + TTL_SECONDS,
        stale_until=now + TTL_SECONDS,
        load_seconds=0.0,
        epoch=epoch,
        tags=tuple(tags),
        tokens=tuple(tokens),
        compressed=compressed,
        size=len(body),
    )


@dataclass(frozen=True, slots=True)
class Filled:
    """A cache with `count` entries of one kind, and what each of them takes of memory."""

    cache: CacheService
    count: int
    policy: CachePolicy
    bytes_each: float

    async def hit_us(self, reads: int, seed: int) -> float:
        """Microseconds for a hit, its body as a client wants it, one after another; keys at random."""
        chance = random.Random(seed)
        keys = [a_key(chance.randrange(self.count)) for _ in range(reads)]
        asked = [Read(key, self.policy, _not_loaded) for key in keys]
        limit = self.cache.config.max_body_bytes
        began = time.perf_counter()
        for read in asked:
            served = await self.cache.read(read)
            assert served.entry is not None and served.outcome is Outcome.HIT, served
            plain_body(served.entry, limit)
        return (time.perf_counter() - began) / reads * 1e6


async def _not_loaded() -> Loaded:
    raise AssertionError("what is measured is hits")


@asynccontextmanager
async def in_memory(count: int, body: bytes, tags: Sequence[str] = TAGS) -> AsyncIterator[Filled]:
    """A cache without Redis whose memory, without a bound, has the entries."""
    cache = CacheService(NoTier(), CacheConfig(memory_bytes=2**50))
    await cache.start()
    try:
        cache.memory.extend(math.inf)
        before = psutil.Process().memory_info().rss
        fill(cache, count, body, tags)
        taken = psutil.Process().memory_info().rss - before
        yield Filled(cache, count, CachePolicy(TTL_SECONDS, tags=tuple(tags)), taken / count)
    finally:
        await cache.close()


def fill(cache: CacheService, count: int, body: bytes, tags: Sequence[str]) -> None:
    """Put so many entries into the cache's memory."""
    tokens = [b"token-of-16-byte" for _ in tags]
    fence = cache.memory.fence()
    for number in range(count):
        key = a_key(number)
        kept = cache.memory.put(key.name, an_entry(key, body, tags, tokens, b""), fence)
        assert kept, "the memory has a lease and no bound"


@asynccontextmanager
async def in_redis(url: str, count: int, body: bytes, tags: Sequence[str] = TAGS) -> AsyncIterator[Filled]:
    """A cache that keeps nothing in memory, over a Redis that is emptied and has the entries."""
    config = CacheConfig(
        memory_bytes=0, command_timeout_seconds=PATIENCE_SECONDS, connect_timeout_seconds=PATIENCE_SECONDS
    )
    async with Redis.from_url(url) as client:
        await client.flushall()
        await client.config_set("maxmemory", 0)
        tier = RedisTier(url, config)
        cache = CacheService(tier, config)
        await cache.start()
        try:
            before = (await client.info("memory"))["used_memory"]
            found = await tier.snapshot(tags)
            tokens = [token for token in found if token is not None]
            for first in range(0, count, BATCH):
                pipeline = client.pipeline(transaction=False)
                for number in range(first, min(first + BATCH, count)):
                    key = a_key(number)
                    data = encode(an_entry(key, body, tags, tokens, tier.epoch))
                    pipeline.set(key.name, data, ex=TTL_SECONDS)
                await pipeline.execute()
            taken = (await client.info("memory"))["used_memory"] - before
            yield Filled(cache, count, CachePolicy(TTL_SECONDS, tags=tuple(tags)), taken / count)
        finally:
            await cache.close()
