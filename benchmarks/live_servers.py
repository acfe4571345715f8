"""What `benchmarks.live` measures against: a Postgres that syncs to disk, a Valkey, and workers of `mina serve`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil

from benchmarks.servers import DIRECTORY, serving
from mina_api.db.migrations import upgrade
from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.valkey import PrivateValkey

ACCOUNT = {"email": "bench@example.com", "password": "bench-password", "name": "Bench"}


@dataclass(frozen=True, slots=True)
class Serving:
    """Servers that are ready, and a client of them that is signed in."""

    client: httpx.Client
    port: int
    token: str
    database_url: str

    @contextmanager
    def cpu_seconds(self) -> Iterator[dict[str, float]]:
        """How much of the CPU each kind of server takes in the block."""
        before, taken = _cpu_seconds(), dict[str, float]()
        yield taken
        taken.update({name: seconds - before[name] for name, seconds in _cpu_seconds().items()})


def _cpu_seconds() -> dict[str, float]:
    """Of our children with their own, by what their command lines say that they are."""
    found: dict[str, float] = {}
    for child in psutil.Process().children():
        line = " ".join(child.cmdline())
        name = next((kind for kind in ("valkey", "redis", "postgres") if kind in line), "workers")
        for each in (child, *child.children(recursive=True)):
            times = each.cpu_times()
            found[name] = found.get(name, 0.0) + times.user + times.system
    return found


@contextmanager
def everything_served(workers: int) -> Iterator[Serving]:
    """Everything of its own, gone after the block."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=DIRECTORY) as name:
        postgres, valkey = PrivatePostgres(Path(name) / "postgres"), PrivateValkey(Path(name) / "valkey")
        try:
            upgrade(postgres.start())
            valkey.start()
            with serving(postgres.url, workers=workers, REDIS_URL=valkey.url) as port:
                address = f"http://127.0.0.1:{port}"
                with httpx.Client(base_url=address, timeout=60) as client:
                    token = client.post("/api/auth/register", json=ACCOUNT).json()["access_token"]
                    client.headers["Authorization"] = f"Bearer {token}"
                    yield Serving(client, port, token, postgres.url)
        finally:
            valkey.stop()
            postgres.stop()
