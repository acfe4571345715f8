"""What is measured: a server that runs, with what it is asked for and how to know that its answers are right."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.speed.load import CONNECTIONS, Target
from benchmarks.speed.running import ROOT, START_SECONDS, Running, ServerFailed, started
from benchmarks.speed.servers.page import PATH, a_token, body_of
from benchmarks.speed.stores import Stores
from mina_api.dev.demo import DEMO_EMAIL, DEMO_PASSWORD
from mina_api.dev.token import fetch_token

PEERS_PYTHON = ROOT / ".dev/peers/bin/python"
BODY_BYTES = len(body_of(1))
CONSTANT = ("raw", "starlette_jwt", "fastapi_constant")
# A busy machine is no lost Redis.
PATIENT = {"MINA_REDIS_CONNECT_TIMEOUT_SECONDS": "5", "MINA_REDIS_COMMAND_TIMEOUT_SECONDS": "5"}
MISS_FROM = 100_000
UVICORN = ("-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "--log-level", "warning")


@dataclass(frozen=True, slots=True)
class Subject:
    """A server at work.

    `hits` is what is asked for of pages that are cached, `misses` of those that never are. `expected` is a page's body,
    `loads` how many pages were made so far, where the server counts them; `served_from` is Mina's word for the tier.
    """

    name: str
    running: Running
    hits: str
    misses: str
    expected: Callable[[int], bytes]
    loads: Callable[[], int | None]
    is_uncached: bool = False
    served_from: str | None = None

    def target(self, keys: int) -> Target:
        """What to ask for: `keys` pages, or with 0 only new ones."""
        return Target(self.hits, keys) if keys else Target(self.misses, 0, MISS_FROM)

    def check(self, keys: int) -> None:
        """Fill the cache with every page and see that it gives the right ones; raises ServerFailed."""
        target = self.target(keys)
        for number in range(1, keys + 1):
            path = target.page(number)
            self.running.get(path)
            deadline = time.monotonic() + START_SECONDS
            while True:
                answer = self.running.get(path)
                if answer.content != self.expected(number):
                    raise ServerFailed(f"{self.name}: {path} is not the page that the others give")
                if self.served_from is None or f"detail={self.served_from}" in answer.headers["cache-status"]:
                    break
                if time.monotonic() > deadline:
                    raise ServerFailed(f"{self.name}: {path} is not served from {self.served_from}")

    def expect_loads(self, before: int | None, expected: int) -> None:
        """See that a cache was measured where one is said to be, and none where not; raises ServerFailed."""
        if before is None or (now := self.loads()) is None:
            return
        # What was under way when the load ended is made, but not counted by it.
        if not expected <= now - before <= expected + CONNECTIONS:
            raise ServerFailed(f"{self.name}: {now - before} pages were made, not {expected}")


@contextmanager
def alone(
    stores: Stores,
    name: str,
    module: str,
    python: Path | str,
    environment: dict[str, str],
    served_from: str | None = None,
) -> Iterator[Subject]:
    """One of `benchmarks.speed.servers` under uvicorn, with one worker."""
    is_constant = module in CONSTANT
    given = {**environment, "BENCH_REDIS_URL": stores.empty_redis(), "PYTHONPATH": str(ROOT)}
    command = (python, *UVICORN, f"benchmarks.speed.servers.{module}:app")
    ready = PATH.format(page=1)
    with started(name, command, given, stores.cores.server, ready=ready) as running:
        running.headers["Authorization"] = f"Bearer {a_token()}"

        def loads() -> int | None:
            return None if is_constant else int(running.get("/loads").text)

        is_uncached = module == "fastapi_uncached"
        yield Subject(name, running, PATH, PATH, body_of, loads, is_uncached, served_from)


@contextmanager
def whole(stores: Stores, name: str, environment: dict[str, str], served_from: str | None = None) -> Iterator[Subject]:
    """`mina serve` over a demo workspace: its list of meetings, in pages as near to the others' size as can be."""
    given = {
        "DATABASE_URL": stores.database_url(),
        "REDIS_URL": stores.empty_redis(),
        "MINA_SECRET_KEY": stores.secret,
        **PATIENT,
        **environment,
    }
    command = (sys.executable, "-m", "mina_api.cli", "serve", "--port", "{port}")
    with started(name, command, given, stores.cores.server, ready="/ops/health/live") as running:
        token = fetch_token(running.url, DEMO_EMAIL, DEMO_PASSWORD)
        running.headers["Authorization"] = f"Bearer {token}"
        per_page = _items_of_about(running, BODY_BYTES)
        hits = f"/api/meetings/?per_page={per_page}&page={{page}}"
        misses = f"/api/meetings/?per_page={per_page}&from=2001-01-01T00:00:00.{{page}}Z"

        @cache
        def uncached(number: int) -> bytes:
            return running.get(hits.format(page=number), **{"Cache-Control": "no-store"}).content

        yield Subject(name, running, hits, misses, uncached, lambda: None, served_from=served_from)


def _items_of_about(running: Running, size: int) -> int:
    def distance(count: int) -> int:
        path = f"/api/meetings/?per_page={count}&page=1"
        return abs(len(running.get(path, **{"Cache-Control": "no-store"}).content) - size)

    return min(range(5, 30), key=distance)
