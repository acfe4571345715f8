"""Throughput of `mina serve` against its number of workers, on a page that is in each one's memory and in Redis."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.growth.curves import Curve, Point
from benchmarks.growth.engine import MEMORY, REDIS, Report
from benchmarks.speed.load import Target, wrk
from benchmarks.speed.running import started
from benchmarks.speed.stores import Stores
from mina_api.dev.demo import DEMO_EMAIL, DEMO_PASSWORD
from mina_api.dev.token import fetch_token

WORKERS = (1, 2, 3, 4)
PAGES = 64
PATH = "/api/meetings/?per_page=14&page={page}"
WARM_UP_SECONDS = 2.0
VARIANTS: Mapping[str, Mapping[str, str]] = {MEMORY: {}, REDIS: {"MINA_CACHE_MEMORY_BYTES": "0"}}


@dataclass(slots=True)
class Throughput:
    """Requests per second by variant and number of workers, of each round."""

    rates: dict[str, dict[int, list[float]]] = field(default_factory=dict)

    def add(self, name: str, workers: int, rate: float) -> None:
        """Count a round."""
        self.rates.setdefault(name, {}).setdefault(workers, []).append(rate)

    def curve(self) -> Curve:
        """As a curve for each variant."""
        series = {
            name: [Point(workers, tuple(rates)) for workers, rates in of.items()] for name, of in self.rates.items()
        }
        return Curve("`mina serve` with so many workers", "workers", "requests/s", series, is_linear=True)


def throughput(stores: Stores, rounds: int, seconds: float, report: Report) -> Curve:
    """Every variant and number of workers by turns; wrk has a core, which workers beyond the first share."""
    found = Throughput()
    for _ in range(rounds):
        for name, environment in VARIANTS.items():
            for workers in WORKERS:
                report(f"workers: {workers}, {name}")
                found.add(name, workers, _rate(stores, workers, environment, seconds))
    return found.curve()


def _rate(stores: Stores, workers: int, environment: Mapping[str, str], seconds: float) -> float:
    given = {
        "DATABASE_URL": stores.database_url(),
        "REDIS_URL": stores.empty_redis(),
        "MINA_SECRET_KEY": stores.secret,
        "MINA_LOG_LEVEL": "WARNING",
        **environment,
    }
    command = (sys.executable, "-m", "mina_api.cli", "serve", "--port", "{port}", "--workers", str(workers))
    cores = stores.cores.server | stores.cores.load if workers > 1 else stores.cores.server
    with started("growth", command, given, cores, ready="/ops/health/live") as running:
        token = fetch_token(running.url, DEMO_EMAIL, DEMO_PASSWORD)
        running.headers["Authorization"] = f"Bearer {token}"
        target = Target(PATH, PAGES)
        # They are made once; in the warm-up each worker then gets them from Redis.
        for number in range(1, PAGES + 1):
            running.get(target.page(number))
        wrk(running, target, WARM_UP_SECONDS, stores.cores.load)
        load = wrk(running, target, seconds, stores.cores.load)
    if load.failed:
        raise SystemExit(f"{load.failed} of {load.requests} requests failed with {workers} workers")
    return load.requests / load.seconds
