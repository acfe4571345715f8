"""What is measured, and what each is compared with."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving import PEERS_PYTHON


@dataclass(frozen=True, slots=True)
class Variant:
    """A server's module; its writes are compared with those of `baseline`, the same without a cache."""

    name: str
    module: str
    baseline: str
    python: Path = Path(sys.executable)
    environment: Mapping[str, str] = field(default_factory=dict)


NONE = "no cache (FastAPI, asyncpg)"
MINA_NONE = Variant(
    "no cache (Mina without it)",
    "mina_without_cache",
    "no cache (Mina without it)",
    environment={"MINA_CACHE_ENABLED": "false", "REDIS_URL": ""},
)
MINA = Variant("Mina", "mina", MINA_NONE.name)

VARIANTS = (
    Variant(NONE, "uncached", NONE, PEERS_PYTHON),
    Variant("fastapi-cache2, `clear` after the write", "on_fastapi_cache2", NONE, PEERS_PYTHON),
    Variant("cashews, `delete` after the write", "on_cashews", NONE, PEERS_PYTHON, {"BENCH_CLIENT_SIDE": "0"}),
    Variant("cashews `client_side=True`, the same", "on_cashews", NONE, PEERS_PYTHON, {"BENCH_CLIENT_SIDE": "1"}),
    MINA_NONE,
    Variant("Mina, from Redis alone", "mina", MINA_NONE.name, environment={"MINA_CACHE_MEMORY_BYTES": "0"}),
    MINA,
)
