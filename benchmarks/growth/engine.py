"""The curves of the engine in this process: hits and invalidations, in memory and over a private Valkey."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from benchmarks.growth.curves import Curve, Measure, Point, by_turns
from benchmarks.growth.entries import TAGS, Filled, a_body, a_key, an_entry, in_memory, in_redis
from mina_api.cache.memory import Memory
from mina_api.dev.valkey import PrivateValkey

MEMORY, REDIS = "memory (L1)", "Redis (L2)"
DECADES = (10, 100, 1000, 10_000, 100_000, 1_000_000)
TAG_COUNTS = tuple(range(9))
BODY_KILOBYTES = (1, 4, 16, 64, 256, 1024)
BODY = a_body(1000)
FEW = 100
READS = 5000
# Below it a measured size is of the allocator rather than of entries.
LEAST_WEIGHED = 10_000
Report = Callable[[str], None]


@contextmanager
def valkeys(directory: Path, count: int) -> Iterator[list[str]]:
    """The URLs of so many servers, gone after the block."""
    servers = [PrivateValkey(directory / f"valkey-{number}") for number in range(count)]
    try:
        yield [server.start() for server in servers]
    finally:
        for server in servers:
            server.stop()


@asynccontextmanager
async def _all_filled(kinds: Sequence[tuple[str, int, bytes, Sequence[str]]]) -> AsyncIterator[list[Filled]]:
    """Caches of (Redis or nothing, entries, body, tags), all at once so that they can be measured by turns."""
    async with AsyncExitStack() as stack:
        found = []
        for url, count, body, tags in kinds:
            opened = in_redis(url, count, body, tags) if url else in_memory(count, body, tags)
            found.append(await stack.enter_async_context(opened))
        yield found
    gc.collect()


def _hits(filled: Filled, reads: int = READS) -> Measure:
    async def measure(round_number: int) -> float:
        return await filled.hit_us(reads, round_number)

    return measure


async def entries(urls: Sequence[str], sizes: Sequence[int], rounds: int, report: Report) -> list[Curve]:
    """Hits and memory against the number of entries, then invalidation against those under its tag."""
    hits = Curve("A hit among so many entries", "entries", "µs")
    weights = Curve("Memory for each entry of 1 KB", "entries", "bytes")
    cleared = Curve("Invalidating a tag of so many entries", "entries under the tag", "µs")
    report("hits in memory")
    async with _all_filled([("", count, BODY, TAGS) for count in sizes]) as memories:
        hits.series[MEMORY] = await by_turns({each.count: _hits(each) for each in memories}, rounds)
        _weigh(weights, MEMORY, memories)
    report("hits in Redis")
    kinds = [(url, count, BODY, TAGS) for url, count in zip(urls, sizes, strict=False)]
    async with _all_filled(kinds) as stored:
        hits.series[REDIS] = await by_turns({each.count: _hits(each) for each in stored}, rounds)
        _weigh(weights, REDIS, stored)
        report("invalidations in Redis")
        for each in stored:
            await each.cache.invalidate_tags("another")
        cleared.series[REDIS] = await by_turns({each.count: _invalidation(each) for each in stored}, rounds)
    report("invalidations in memory")
    cleared.series["what a worker forgets in memory"] = await by_turns(
        {count: _forgetting(count) for count in sizes}, rounds
    )
    return [hits, weights, cleared]


def _weigh(curve: Curve, name: str, filled: Sequence[Filled]) -> None:
    points = [Point(each.count, (each.bytes_each,)) for each in filled if each.count >= LEAST_WEIGHED]
    if points:
        curve.series[name] = points


def _invalidation(filled: Filled) -> Measure:
    async def measure(round_number: int) -> float:
        # All entries have every tag: each round clears one that was not cleared before.
        tag = TAGS[round_number % len(TAGS)]
        began = time.perf_counter()
        await filled.cache.invalidate_tags(tag)
        return (time.perf_counter() - began) * 1e6

    return measure


def _forgetting(count: int) -> Measure:
    async def measure(_: int) -> float:
        memory = Memory(2**50, time.monotonic)
        memory.extend(float("inf"))
        tokens = [b"token-of-16-byte" for _ in TAGS]
        keys = [a_key(number) for number in range(count)]
        for key in keys:
            memory.put(key.name, an_entry(key, b"{}", TAGS, tokens, b""), memory.fence())
        assert len(memory) == count
        began = time.perf_counter()
        memory.forget([TAGS[0]])
        taken = (time.perf_counter() - began) * 1e6
        assert not any(memory.get(key.name) for key in keys)
        # They are served no more, and taken out a slice in each turn.
        while len(memory):  # noqa: ASYNC110  (turns are waited for, not time)
            await asyncio.sleep(0)
        return taken

    return measure


async def tags(urls: Sequence[str], rounds: int, report: Report) -> Curve:
    """Hits against the number of tags of an entry."""
    curve = Curve("A hit on an entry of so many tags", "tags", "µs", is_linear=True)
    named = [tuple(f"tag-{number}" for number in range(count)) for count in TAG_COUNTS]
    for name, places in ((MEMORY, ("",) * len(named)), (REDIS, tuple(urls))):
        report(f"tags, {name}")
        async with _all_filled([(url, FEW, BODY, each) for url, each in zip(places, named, strict=False)]) as filled:
            measures = {len(each.policy.tags): _hits(each) for each in filled}
            curve.series[name] = await by_turns(measures, rounds)
    return curve


async def bodies(urls: Sequence[str], rounds: int, report: Report) -> Curve:
    """Hits against the size of a body, which is decompressed for a client that does not take zstd."""
    curve = Curve("A hit on a body of so many KB", "KB", "µs")
    sizes = [1000 * kilobytes for kilobytes in BODY_KILOBYTES]
    for name, places in ((MEMORY, ("",) * len(sizes)), (REDIS, tuple(urls))):
        report(f"bodies, {name}")
        kinds = [(url, FEW, a_body(size), TAGS) for url, size in zip(places, sizes, strict=False)]
        async with _all_filled(kinds) as filled:
            measures = {
                kilobytes: _hits(each, READS // 10) for kilobytes, each in zip(BODY_KILOBYTES, filled, strict=True)
            }
            curve.series[name] = await by_turns(measures, rounds)
    return curve
