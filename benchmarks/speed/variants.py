"""Every variant that is measured, in the order of the table."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.speed.stores import Stores
from benchmarks.speed.subjects import PEERS_PYTHON, Subject, alone, whole

Group = Literal["floor", "by hand", "peer", "mina"]
Open = Callable[[Stores], AbstractContextManager[Subject]]

RAW = "raw ASGI, constant bytes"
UNCACHED = "FastAPI, no cache"
MULTIPLEXED = "by hand: Redis, one multiplexed connection"
ON_FASTAPI = "by hand on FastAPI: one multiplexed connection"
MINA_MEMORY = "Mina's cache, memory (L1)"
MINA_REDIS = "Mina's cache, Redis (no L1)"
MINA_MISS = "Mina's cache, every request a miss"
WHOLE_MEMORY = "mina serve, memory (L1)"
WHOLE_ROUTED = "mina serve, memory, no shortcuts"
WHOLE_REDIS = "mina serve, Redis (no L1)"
WHOLE_MISS = "mina serve, every request a miss"
WHOLE_OFF = "mina serve, cache off"

SEVERAL = 64
HITS = (1, SEVERAL)
NEVER_TWICE = 0
AND_MISSES = (*HITS, NEVER_TWICE)
MEMORY_BYTES = str(64 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Variant:
    """One row: `keys` are the numbers of pages that it is measured with, 0 for pages that nobody asked for before."""

    name: str
    group: Group
    open: Open
    keys: tuple[int, ...] = HITS
    needs_peers: bool = False

    @property
    def is_in_process(self) -> bool:
        """Whether a peer answers without asking Redis."""
        return "client_side" in self.name


def _module(
    name: str,
    group: Group,
    module: str,
    keys: tuple[int, ...] = HITS,
    *,
    peers: bool = False,
    served_from: str | None = None,
    **environment: str,
) -> Variant:
    python: Path | str = PEERS_PYTHON if peers else sys.executable

    def opened(stores: Stores) -> AbstractContextManager[Subject]:
        return alone(stores, name, module, python, environment, served_from)

    return Variant(name, group, opened, keys, peers)


def _whole(name: str, keys: tuple[int, ...] = HITS, *, served_from: str | None = None, **environment: str) -> Variant:
    def opened(stores: Stores) -> AbstractContextManager[Subject]:
        return whole(stores, name, environment, served_from)

    return Variant(name, "mina", opened, keys)


VARIANTS = (
    _module(RAW, "floor", "raw"),
    _module("Starlette, JWT, constant bytes", "floor", "starlette_jwt"),
    _module("FastAPI, dependency, constant bytes", "floor", "fastapi_constant"),
    _module(UNCACHED, "floor", "fastapi_uncached", AND_MISSES),
    _module("by hand: Redis, pooled connections", "by hand", "handwritten", BENCH_HANDWRITTEN="pooled"),
    _module(MULTIPLEXED, "by hand", "handwritten", AND_MISSES, BENCH_HANDWRITTEN="multiplexed"),
    _module(ON_FASTAPI, "by hand", "fastapi_by_hand", AND_MISSES),
    _module("by hand: a dict", "by hand", "handwritten", BENCH_HANDWRITTEN="dict"),
    _module("fastapi-cache2", "peer", "fastapi_cache2", AND_MISSES, peers=True),
    _module("cashews", "peer", "on_cashews", AND_MISSES, peers=True, BENCH_CASHEWS="plain"),
    _module("cashews, client_side", "peer", "on_cashews", AND_MISSES, peers=True, BENCH_CASHEWS="client_side"),
    _module("cashews, lock", "peer", "on_cashews", AND_MISSES, peers=True, BENCH_CASHEWS="lock"),
    _module("aiocache", "peer", "on_aiocache", AND_MISSES, peers=True),
    _module("fastapi-cachex", "peer", "cachex", AND_MISSES, peers=True),
    _module(MINA_MEMORY, "mina", "mina", served_from="l1", BENCH_MEMORY_BYTES=MEMORY_BYTES),
    _module(MINA_REDIS, "mina", "mina", served_from="l2", BENCH_MEMORY_BYTES="0"),
    _module(MINA_MISS, "mina", "mina", (NEVER_TWICE,), BENCH_MEMORY_BYTES=MEMORY_BYTES),
    _whole(WHOLE_MEMORY, served_from="l1"),
    _whole(WHOLE_ROUTED, served_from="l1", MINA_CACHE_SHORTCUT_BYTES="0"),
    _whole(WHOLE_REDIS, served_from="l2", MINA_CACHE_MEMORY_BYTES="0"),
    _whole(WHOLE_MISS, (NEVER_TWICE,)),
    _whole(WHOLE_OFF, (NEVER_TWICE,), MINA_CACHE_ENABLED="false"),
)


def chosen(only: str) -> list[Variant]:
    """The variants whose names hold one of the words of `only`, which commas part; all without one."""
    words = [word.strip().lower() for word in only.split(",") if word.strip()]
    return [each for each in VARIANTS if not words or any(word in each.name.lower() for word in words)]
