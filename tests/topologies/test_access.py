"""Ways to one server: a unix socket, TLS with certificates on both sides, and a user who may do only what is needed."""

import json
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from mina_api.cache.config import CacheConfig
from mina_api.cache.policy import CachePolicy
from mina_api.cache.redis_tier import RedisTier, TlsFiles
from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.service import CacheService
from mina_api.web.rate_limits import Quota, RateLimiter
from tests.cache.services import PATIENT, a_cache
from tests.programs import REDIS_PROGRAMS
from tests.topologies.nodes import Node
from tests.topologies.tls import Authority, tls_before

SCALING = Path(__file__).parents[2] / "docs" / "scaling.md"
POLICY = CachePolicy(60, tags=("meeting:1",))
MEMORY: dict[str, Any] = {"memory_bytes": 1_000_000, "memory_lease_seconds": 1.0}
QUOTA = Quota("tries", 1, 60)


def knows_tls(program: Path) -> bool:
    """Whether a server was built with TLS: one that was says that it has no certificate."""
    said = subprocess.run([program, "--port", "0", "--tls-port", "1"], capture_output=True, check=False, timeout=20)
    return b"certificate" in said.stdout or b"tls-cert-file" in said.stdout


@pytest.fixture(params=list(REDIS_PROGRAMS.values()), ids=list(REDIS_PROGRAMS))
def program(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def server(program: Path, tmp_path: Path) -> Iterator[Node]:
    node = Node(program, tmp_path / "server")
    node.start()
    yield node
    node.kill()


async def works(cache: CacheService) -> None:
    """Everything that the cache asks a server for, once."""
    await cache.invalidate_tags("meeting:1")
    values = iter(range(1, 100))

    async def load() -> int:
        return next(values)

    first = await cache.get_or_load("k", load, POLICY)
    assert await cache.get_or_load("k", load, POLICY) == first
    hold = await cache.hold(["meeting:1"])
    assert hold.placed_in is not None
    assert await hold.lift()
    assert await cache.get_or_load("k", load, POLICY) == first + 1
    await cache.invalidate_tags("meeting:1")
    assert await cache.get_or_load("k", load, POLICY) == first + 2
    assert await cache.set("v", 1)
    assert await cache.delete("v")
    assert (await cache.health()).available


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose name leaves room: the kernel takes no socket's path over 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="mina-") as directory:
        yield Path(directory)


class TestUnixSocket:
    async def test_is_as_good_as_a_port(self, program: Path, short_path: Path) -> None:
        node = Node(program, short_path, unixsocket=str(short_path / "redis.sock"))
        node.start()
        try:
            async with a_cache(f"unix://{short_path}/redis.sock?db=0", **MEMORY) as cache:
                await works(cache)
        finally:
            node.kill()


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    @pytest.fixture
    async def port(self, program: Path, tmp_path: Path, authority: Authority) -> AsyncIterator[int]:
        """Of the server's own TLS, or of a proxy's where it has none."""
        if not knows_tls(program):
            node = Node(program, tmp_path / "server")
            node.start()
            async with tls_before(node.port, authority) as before:
                yield before
        else:
            certificate, key = authority.issue("server")
            files = {"tls_cert_file": str(certificate), "tls_key_file": str(key)}
            node = Node(program, tmp_path / "server", tls_ca_cert_file=str(authority.certificate_file), **files)
            node.listen_with_tls()
            node.start()
            yield node.port
        node.kill()

    async def test_shows_a_certificate_and_trusts_the_authority_of_the_settings(
        self, authority: Authority, port: int
    ) -> None:
        certificate, key = authority.issue("client")
        files = TlsFiles(str(authority.certificate_file), str(certificate), str(key))

        async with a_cache(f"rediss://127.0.0.1:{port}/0", tls=files, **MEMORY) as cache:
            await works(cache)

    async def test_takes_the_files_of_the_url_first(self, tmp_path: Path, authority: Authority, port: int) -> None:
        certificate, key = authority.issue("client")
        files = f"ssl_ca_certs={authority.certificate_file}&ssl_certfile={certificate}&ssl_keyfile={key}"
        nowhere = TlsFiles(*(str(tmp_path / "nowhere"),) * 3)

        async with a_cache(f"rediss://127.0.0.1:{port}/0?{files}", tls=nowhere) as cache:
            await works(cache)

    @pytest.mark.parametrize("missing", ["certificate", "authority"])
    async def test_is_not_used_without_both(
        self, tmp_path: Path, authority: Authority, port: int, missing: str
    ) -> None:
        certificate, key = authority.issue("client")
        (tmp_path / "other").mkdir()
        trusted = Authority(tmp_path / "other") if missing == "authority" else authority
        files = TlsFiles(
            str(trusted.certificate_file), *(("", "") if missing == "certificate" else (str(certificate), str(key)))
        )

        async with a_cache(f"rediss://127.0.0.1:{port}/0", tls=files) as cache:
            assert not cache.is_available
            assert await cache.get_or_load("k", _one, POLICY) == 1


async def _one() -> int:
    return 1


def listed_rules() -> list[str]:
    """The rules of the user in docs/scaling.md, as ACL SETUSER takes them."""
    block = SCALING.read_text().split("```acl\n", 1)[1].split("```", 1)[0]
    return [word for line in block.splitlines() for word in line.split("#")[0].split()]


# Asked for where there is a Cluster.
OF_A_CLUSTER = {"cluster|slots", "asking"}


class TestUser:
    async def test_with_the_rules_of_the_documentation_is_denied_nothing(self, server: Node) -> None:
        server.ask("ACL", "SETUSER", "mina", "reset", "on", ">secret", *listed_rules())

        await everything(f"redis://mina:secret@127.0.0.1:{server.port}/0", server)

        assert server.ask("ACL", "LOG") == []

    async def test_needs_every_one_of_them(self, server: Node) -> None:
        """Each command of the list is asked for by the cache, or by a script of its."""
        await everything(f"redis://127.0.0.1:{server.port}/0", server)
        used = {name.removeprefix("cmdstat_") for name in server.ask("INFO", "commandstats")}

        listed = {rule[1:] for rule in listed_rules() if rule.startswith("+")}
        assert listed - used - OF_A_CLUSTER == set()


async def everything(url: str, server: Node) -> None:
    """Whatever the cache, its tier and the rate limits ask for; twice, the second time after the scripts are gone."""
    tier = RedisTier(url, CacheConfig(**{**PATIENT, **MEMORY}))
    cache = CacheService(tier, CacheConfig(**{**PATIENT, **MEMORY}))
    await cache.start()
    limiter = RateLimiter(tier.pool(1), is_redis_available=lambda: True)
    try:
        for _ in range(2):
            await works(cache)
            # What is in the place of ours is dropped.
            server.ask("SET", "mina:{tags}:series:s", "x")
            await tier.record_uses(1, {"recipe": 2}, keep=10)
            assert await tier.most_used(1, 10)
            assert (await tier.claim("mina:temp:k", (), "one", 10)).left_seconds == 0
            assert ((await tier.claim("mina:temp:k", (), "other", 10)).left_seconds or 0) > 0
            assert await tier.renew("mina:temp:k", "one", 10)
            await tier.release("mina:temp:k", "one")
            assert await limiter.hit(QUOTA, "ada") is None
            assert await limiter.test(QUOTA, "ada") is not None
            await limiter.clear(QUOTA, "ada")
            await tells(RedisLedger(tier))
            server.ask("SCRIPT", "FLUSH")
            await cache.delete("k")
    finally:
        await limiter.close()
        await cache.close()


async def tells(ledger: RedisLedger) -> None:
    """Whatever workers tell each other, and what operators ask of Redis."""
    await ledger.tell("one", 1, {"hits": 1}, {"pid": 1})
    told = await ledger.read(json.loads)
    assert told.workers == {"one": {"pid": 1}}
    await ledger.forget_workers(["one"])
    await ledger.reset(told.now)
    await ledger.note("n", 1)
    assert await ledger.notes(["n"], json.loads) == [1]
    assert [await ledger.take_turn("t", 60) for _ in range(2)][1] is False
    await ledger.append("s", [1], keep=10)
    assert await ledger.series("s", json.loads) == [1]
    await ledger.forget_series(["s"])
    names = (await ledger.scan("0", ledger.entries(None, ""), 1000)).names
    assert any(size for _, size in await ledger.sizes(names))
