"""A worker of its own process whose Redis is behind a network that a test spoils, and what the worker answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.valkey import PrivateValkey
from tests.api import PASSWORD
from tests.cache.proxy import Garble, Proxy, a_proxy
from tests.servers import TEMPLATE
from tests.system.serving import serving

DEADLINE_SECONDS = 60
# Short, for what never answers; a busy machine may open the breaker by itself, and closes it again.
TIMEOUTS = {"MINA_REDIS_CONNECT_TIMEOUT_SECONDS": "0.5", "MINA_REDIS_COMMAND_TIMEOUT_SECONDS": "0.5"}


class Stage:
    """The worker's client, its Valkey and the network between them."""

    def __init__(self, valkey: PrivateValkey, network: Proxy, client: httpx.AsyncClient, log: Path) -> None:
        self.valkey = valkey
        self.network = network
        self._log = log
        self.directory = log.parent / "valkey"
        self.client = client
        # A connection of the test's own, past the network: it stays where others are refused.
        self.console = Redis.from_url(
            valkey.url, single_connection_client=True, decode_responses=True, retry=Retry(NoBackoff(), 1)
        )
        self.meeting = 0
        self.version = 0
        self.answers: list[httpx.Response] = []

    async def sign_up(self) -> None:
        """Have an account and a meeting."""
        account = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
        answer = await self.client.post("/api/auth/register", json=account)
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self.meeting = (await self.client.post("/api/meetings", json={"title": "0"})).json()["id"]

    async def use(self) -> None:
        """Read and write; every answer is kept, and every read has to show the write before it."""
        path = f"/api/meetings/{self.meeting}"
        for _ in range(2):
            self.version += 1
            changed = await self.client.patch(path, json={"title": str(self.version)})
            assert changed.status_code == 200, (changed.text, self.log()[-3000:])
            self.answers.append(changed)
            for _ in range(3):
                seen = await self.client.get(path)
                assert seen.json()["title"] == str(self.version), seen.headers["cache-status"]
                self.answers.append(seen)

    async def status(self) -> str:
        """How the worker says that its Redis is."""
        health = await self.client.get("/ops/health")
        assert health.status_code == 200
        return str(health.json()["cache"]["status"])

    async def until(self, *statuses: str) -> None:
        """Returns once it is one of these."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await self.status() not in statuses:  # noqa: ASYNC110  (what it waits for is another process)
                await asyncio.sleep(0.05)

    async def hits(self) -> bool:
        """Returns once something is answered from the cache."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                answer = await self.client.get(f"/api/meetings/{self.meeting}")
                if answer.headers["cache-status"].startswith("mina; hit"):
                    return True

    def settings(self, pattern: str) -> dict[str, str]:
        """What the Valkey is set to."""
        return {str(name): value or "" for name, value in self.console.config_get(pattern).items()}

    def log(self) -> str:
        """What the worker has written."""
        return self._log.read_text()

    @asynccontextmanager
    async def spoilt(self, garble: Garble) -> AsyncIterator[None]:
        """Within the block whatever Redis sends arrives as `garble` makes it."""
        self.network.garble = garble
        try:
            yield
        finally:
            self.network.garble = bytes
            # Nobody is left to wait for the rest of a reply.
            self.network.cut()


@asynccontextmanager
async def a_stage(directory: Path, postgres: PrivatePostgres) -> AsyncIterator[Stage]:
    """A worker that has reached its Redis."""
    root = postgres.url.rsplit("/", 1)[0]
    name = f"stage_{directory.name}".lower().replace("-", "_")
    valkey = PrivateValkey(directory / "valkey")
    administration = await asyncpg.connect(f"{root}/postgres")
    await administration.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    valkey.start()
    try:
        async with a_proxy(valkey.url) as network:
            with ExitStack() as stack:
                # In a thread: the network is of this loop, and the worker wants it while it starts.
                served = await asyncio.to_thread(
                    stack.enter_context, serving(directory, f"{root}/{name}", network.url, **TIMEOUTS)
                )
                async with httpx.AsyncClient(base_url=served.url, timeout=DEADLINE_SECONDS) as client:
                    stage = Stage(valkey, network, client, served.log)
                    await stage.sign_up()
                    await stage.until("healthy", "degraded")
                    yield stage
                    stage.console.close()
    finally:
        valkey.resume()
        valkey.stop()
        await administration.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await administration.close()
