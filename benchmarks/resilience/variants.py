"""What is measured: the generator's own limit, other caches, Mina."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving import PEERS_PYTHON


@dataclass(frozen=True, slots=True)
class Variant:
    """A server's module, and a path that it answers with 200 once it is ready."""

    name: str
    module: str
    ready: str = "/loads"
    python: Path = PEERS_PYTHON
    environment: Mapping[str, str] = field(default_factory=dict)
    is_without_redis: bool = False

    @property
    def is_mina(self) -> bool:
        """Whether it is the whole of Mina, with accounts of its own."""
        return self.module.startswith("benchmarks.resilience.")


def _peer(name: str, module: str, **environment: str) -> Variant:
    return Variant(name, f"benchmarks.speed.servers.{module}", environment=environment)


def _mina(name: str, *, is_without_redis: bool = False, **environment: str) -> Variant:
    module, ready = "benchmarks.resilience.servers.mina", "/ops/health/ready"
    # An audit runs a load of its own, of one hit in a thousand.
    unaudited = {"MINA_CACHE_AUDIT_SHARE": "0", **environment}
    return Variant(name, module, ready, Path(sys.executable), unaudited, is_without_redis)


LIMIT = Variant("raw ASGI, no cache", "benchmarks.speed.servers.raw", "/page?page=1", Path(sys.executable))
PEERS = (
    _peer("fastapi-cache2", "fastapi_cache2"),
    _peer("aiocache", "on_aiocache"),
    _peer("fastapi-cachex", "cachex"),
    _peer("cashews", "on_cashews", BENCH_CASHEWS="plain"),
    _peer("cashews `lock=True`", "on_cashews", BENCH_CASHEWS="lock"),
    _peer("cashews `client_side=True`", "on_cashews", BENCH_CASHEWS="client_side"),
)
MINA = _mina("Mina")
MINA_AWAY = _mina("Mina, Redis away", is_without_redis=True)
MINA_REDIS = _mina("Mina, from Redis alone", MINA_CACHE_MEMORY_BYTES="0", MINA_CACHE_SHORTCUT_BYTES="0")

IN_A_STAMPEDE = (*PEERS, MINA, MINA_AWAY)
IN_AN_OUTAGE = (LIMIT, *PEERS, MINA_REDIS, MINA)


def chosen(variants: Sequence[Variant], only: str) -> list[Variant]:
    """The variants whose name holds one of the words, which commas part; all without a word."""
    words = [word.strip().lower() for word in only.split(",") if word.strip()]
    return [each for each in variants if not words or any(word in each.name.lower() for word in words)]
