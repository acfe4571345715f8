"""Two workers over one database and one Valkey, which all of these attacks share: none may do them lasting harm."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import asyncpg
import httpx
import pytest

from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.valkey import PrivateValkey
from tests.security.http.wire import LAST, exchange, statuses
from tests.servers import TEMPLATE
from tests.system.serving import Serving, serving

NAME = "attacked"
STRICT = {
    **{f"MINA_HTTP_{what}_SECONDS": "3" for what in ("HEAD", "BODY", "SEND")},
    "MINA_LIVE_CONNECTIONS_PER_USER": "2",
    "MINA_CACHE_SHORTCUT_BYTES": "0",
}


@dataclass(frozen=True, slots=True)
class Attacked:
    """`server` is as in production; `slow_way` routes each request, and has strict limits."""

    server: Serving
    slow_way: Serving
    client: httpx.Client

    @property
    def authorization(self) -> bytes:
        """Ada's, as a field."""
        return b"Authorization: " + self.client.headers["Authorization"].encode()

    def meeting(self, title: str = "Retro") -> int:
        """A new meeting's id."""
        answer = self.client.post("/api/meetings/", json={"title": title})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def titles(self) -> list[str]:
        """Of all meetings, oldest first."""
        items: list[dict[str, str]] = []
        page = pages = 1
        while page <= pages:
            found = self.client.get("/api/meetings/", params={"per_page": 100, "page": page}).json()
            items, page, pages = items + found["items"], page + 1, found["pages"]
        return [each["title"] for each in sorted(items, key=lambda each: each["id"])]


@pytest.fixture(scope="package")
async def own_database(postgres: PrivatePostgres) -> AsyncIterator[str]:
    base = postgres.url.rsplit("/", 1)[0]
    connection = await asyncpg.connect(f"{base}/postgres")
    await connection.execute(f"CREATE DATABASE {NAME} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield f"{base}/{NAME}"
    await connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    await connection.close()


@pytest.fixture(scope="package")
def attacked(own_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """The workers; they live through every test, and have noted no failure of their own at the end."""
    directory = tmp_path_factory.mktemp("attacked")
    valkey = PrivateValkey(directory / "valkey")
    valkey.start()
    with (
        serving(directory, own_database, valkey.url) as server,
        serving(directory, own_database, valkey.url, **STRICT) as slow_way,
    ):
        client = server.client()
        yield Attacked(server, slow_way, client)
        for each in (server, slow_way):
            assert each.process.poll() is None
            log = each.log.read_text()
            assert "unexpected failure" not in log and "Fatal error" not in log and "Traceback" not in log, log[-5000:]
            assert "Exception in ASGI" not in log, log[-5000:]
    valkey.stop()


@pytest.fixture(autouse=True)
def nothing_breaks(attacked: Attacked) -> Iterator[None]:
    """After each attack both workers answer."""
    yield
    for each in (attacked.server, attacked.slow_way):
        assert each.process.poll() is None, each.log.read_text()[-5000:]
        assert statuses(exchange(each, LAST)) == [200]
