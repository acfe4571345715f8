"""Ways to one server: a socket, TLS, a Sentinel's word; and what another server in its place does to those."""

import logging
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from mina_api.cache.config import CacheConfig
from mina_api.cache.memory import Memory
from mina_api.cache.policy import CachePolicy
from mina_api.cache.redis_tier import RedisTier, TlsFiles
from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.service import CacheService
from mina_api.cache.tier import TierRefused, TierUnavailable
from tests.cache.proxy import Proxy, a_proxy
from tests.cache.services import PATIENT, a_cache, available, until
from tests.programs import WHEEL
from tests.topologies.nodes import Node
from tests.topologies.tls import Authority, tls_before

POLICY = CachePolicy(60, tags=("meeting:1",))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Node]:
    node = Node(WHEEL, tmp_path / "server")
    node.start()
    yield node
    node.kill()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Node]:
    node = Node(WHEEL, tmp_path / "other")
    node.start()
    yield node
    node.kill()


async def works(cache: CacheService) -> None:
    """A value, and a load that an invalidation ends."""
    values = iter(range(1, 100))

    async def load() -> int:
        return next(values)

    assert await cache.set("v", 1) and await cache.get("v") == 1
    assert [await cache.get_or_load("k", load, POLICY) for _ in range(2)] == [1, 1]
    await cache.invalidate_tags("meeting:1")
    assert await cache.get_or_load("k", load, POLICY) == 2


def url_of(node: Node) -> str:
    return f"redis://:@127.0.0.1:{node.port}/0"


@asynccontextmanager
async def a_tier(url: str, lose: list[str] | None = None) -> AsyncIterator[RedisTier]:
    """A started tier of long leases, so that nothing but the test asks for anything."""
    config = CacheConfig(
        **{**PATIENT, "memory_lease_seconds": 600.0, "probe_seconds": 0.01, "probe_max_seconds": 0.05}  # type: ignore[arg-type]
    )
    tier = RedisTier(url, config, on_loss=lambda: lose.append("lost") if lose is not None else None)
    memory = Memory(1_000_000, time.monotonic)
    await tier.start(memory)
    try:
        # What it asks for itself has been answered by then.
        await until(lambda: memory.is_valid)
        yield tier
    finally:
        await tier.close()


class TestSocket:
    async def test_is_as_good_as_a_port(self) -> None:
        # The kernel takes no socket's path over 107 bytes.
        with tempfile.TemporaryDirectory(prefix="mina-") as name:
            directory = Path(name)
            node = Node(WHEEL, directory, unixsocket=str(directory / "redis.sock"))
            node.start()
            try:
                async with a_cache(f"unix://{directory}/redis.sock?db=0") as cache:
                    await works(cache)
            finally:
                node.kill()


class TestTls:
    async def test_is_spoken_to_a_server_that_asks_for_a_certificate(self, server: Node, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        certificate, key = authority.issue("client")
        files = TlsFiles(str(authority.certificate_file), str(certificate), str(key))
        async with tls_before(server.port, authority) as port, a_cache(f"rediss://127.0.0.1:{port}/0", tls=files) as it:
            await works(it)

    async def test_of_an_authority_that_nobody_vouches_for_is_a_lost_server(self, server: Node, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        async with tls_before(server.port, authority) as port, a_cache(f"rediss://127.0.0.1:{port}/0") as cache:
            assert not cache.is_available


class TestSentinel:
    @pytest.fixture
    def sentinel(self, server: Node, tmp_path: Path) -> Iterator[Node]:
        """One that watches the server under the name `mina`."""
        node = Node(WHEEL, tmp_path / "sentinel", "--sentinel")
        node.start()
        node.ask("SENTINEL", "MONITOR", "mina", "127.0.0.1", server.port, 1)
        yield node
        node.kill()

    async def test_says_where_the_server_is(self, sentinel: Node) -> None:
        async with a_cache(f"redis+sentinel://127.0.0.1:{sentinel.port}/mina/0") as cache:
            await works(cache)

    async def test_that_knows_no_such_name_leaves_it_lost_until_it_does(self, sentinel: Node, server: Node) -> None:
        async with a_cache(f"redis+sentinel://127.0.0.1:{sentinel.port}/another/0") as cache:
            lost = cache.is_available
            sentinel.ask("SENTINEL", "MONITOR", "another", "127.0.0.1", server.port, 1)
            await available(cache)

            assert not lost
            await works(cache)


@pytest.fixture
async def proxy(server: Node) -> AsyncIterator[Proxy]:
    async with a_proxy(url_of(server)) as made:
        yield made


class TestAnotherServer:
    """What was read of one server is valid in no other: it is found anew, as after any loss."""

    async def test_is_seen_by_who_looks_again(self, proxy: Proxy, other: Node) -> None:
        losses: list[str] = []
        async with a_tier(proxy.url, losses) as tier:
            before = tier.epoch
            tier.look_again()
            tier.look_again()
            await tier.fetch("k", ())
            same = tier.epoch, list(losses)

            proxy.lead_to(url_of(other))
            tier.look_again()
            await until(lambda: losses)
            await until(lambda: tier.is_available)

            assert same == (before, [])
            assert tier.epoch != before

    async def test_that_has_become_a_replica_is_seen_by_who_looks_again(self, proxy: Proxy, server: Node) -> None:
        losses: list[str] = []
        async with a_tier(proxy.url, losses) as tier:
            before = tier.epoch
            server.ask("REPLICAOF", "127.0.0.1", "1")
            tier.look_again()
            await until(lambda: losses)
            server.ask("REPLICAOF", "NO", "ONE")
            await until(lambda: tier.is_available)

            assert tier.epoch != before

    async def test_is_not_looked_for_while_it_is_lost(self, proxy: Proxy) -> None:
        async with a_tier(proxy.url) as tier:
            proxy.is_open = False
            proxy.cut()
            with pytest.raises(TierUnavailable):
                await tier.fetch("k", ())
            tier.look_again()

            proxy.is_open = True
            await until(lambda: tier.is_available)

    async def test_cannot_be_seen_where_nobody_answers(self, proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
        """Who is in doubt says so, and stays with what answers it."""
        async with a_tier(proxy.url) as tier:
            before = tier.epoch
            proxy.is_open = False
            tier.look_again()
            await until(lambda: "cannot be seen" in caplog.text)

            assert (tier.is_available, tier.epoch) == (True, before)

    async def test_is_neither_listened_to_nor_read_from(
        self, proxy: Proxy, other: Node, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with a_tier(proxy.url) as tier:
            before = tier.epoch
            await tier.store("mina:temp:k", b"old", 60)
            other.ask("SET", "mina:temp:k", "of another")
            proxy.lead_to(url_of(other))
            proxy.cut()
            await until(lambda: "another server answers the backplane" in caplog.text)
            still = tier.is_available
            with pytest.raises(TierUnavailable, match="another server answers"):
                await tier.fetch("mina:temp:k", ())
            await until(lambda: tier.is_available)

            assert still
            assert tier.epoch != before


class TestLose:
    async def test_has_it_come_back_as_after_any_loss(self, server: Node, caplog: pytest.LogCaptureFixture) -> None:
        losses: list[str] = []
        async with a_tier(url_of(server), losses) as tier:
            caplog.set_level(logging.INFO)
            tier.lose()
            tier.lose()
            lost = tier.is_available
            await until(lambda: tier.is_available)

            assert (lost, losses) == (False, ["lost"])
            assert "its epoch is over" in caplog.text


class TestReplies:
    async def test_that_are_no_replies_lose_the_server(self, proxy: Proxy) -> None:
        async with a_tier(proxy.url) as tier:
            proxy.garble = lambda data: data.replace(b"$0\r\n\r\n", b"*0\r\n")
            with pytest.raises(TierUnavailable, match="a reply to GETRANGE that is none"):
                await tier.fetch("k", ("t",))
            proxy.garble = bytes
            await until(lambda: tier.is_available)

    async def test_of_another_kind_lose_the_server(self, proxy: Proxy) -> None:
        async with a_tier(proxy.url) as tier:
            proxy.garble = lambda data: data.replace(b":1\r\n", b"+1\r\n")
            await tier.store("mina:temp:k", b"", 60)
            with pytest.raises(TierUnavailable, match="a reply to UNLINK that is none"):
                await tier.delete(["mina:temp:k"])
            proxy.garble = bytes
            await until(lambda: tier.is_available)

    @pytest.mark.parametrize(
        ("ask", "said", "garbled", "what"),
        [
            (lambda tier: tier.lift(["t"], ["nobody"]), b"*1\r\n:", b"*1\r\n+", "for how long"),
            (lambda tier: tier.lift(["t"], ["nobody"]), b"*1\r\n:", b"*2\r\n:1\r\n:", "whom"),
            (lambda tier: tier.snapshot(["t"]), b"*1\r\n$16", b"*2\r\n:7\r\n$16", "tokens"),
            (lambda tier: tier.most_used(1, 10), b"*0\r\n", b"*2\r\n$1\r\nr\r\n$1\r\nx\r\n", "uses"),
            (lambda tier: tier.scan("0", "none", 10), b"*2\r\n$1\r\n0", b"*2\r\n$1\r\nx", "SCAN"),
            (lambda tier: tier.scan("0", "none", 10), b"0\r\n*0\r\n", b"0\r\n:0\r\n", "SCAN"),
            (lambda tier: RedisLedger(tier).series("s", bytes), b"*0\r\n", b"*1\r\n:1\r\n", "items"),
            (lambda tier: RedisLedger(tier).read(bytes), b"\r\n*0\r\n*0\r\n", b"\r\n*0\r\n*1\r\n$1\r\nx\r\n", "fields"),
            (lambda tier: RedisLedger(tier).read(bytes), b"*3\r\n*2\r\n", b"*4\r\n:1\r\n*2\r\n", "fields"),
        ],
        ids=["time", "name", "token", "score", "cursor", "names", "item", "field", "now"],
    )
    async def test_of_scripts_that_say_nothing_lose_the_server(
        self, ask: Callable[[RedisTier], Awaitable[object]], said: bytes, garbled: bytes, what: str, proxy: Proxy
    ) -> None:
        async with a_tier(proxy.url) as tier:
            proxy.garble = lambda data: data.replace(said, garbled)
            with pytest.raises(TierUnavailable, match=what):
                await ask(tier)
            proxy.garble = bytes
            await until(lambda: tier.is_available)

    async def test_of_an_empty_token_make_another(self, server: Node) -> None:
        async with a_tier(url_of(server)) as tier:
            await tier.call("SET", tier.names.token("t"), "")

            (token,) = await tier.snapshot(["t"])

            assert token
            assert (await tier.fetch("k", ("t",))).tokens == (token,)

    async def test_that_refuse_are_told_and_change_nothing(self, server: Node) -> None:
        async with a_tier(url_of(server)) as tier:
            await tier.call("SET", "list", "text")
            with pytest.raises(TierRefused, match="WRONGTYPE"):
                await tier.call("LPUSH", "list", "1")

            assert tier.is_available
            assert await tier.call("GET", "list") == b"text"


class TestPool:
    async def test_is_to_the_same_server_and_of_the_callers_own(self, server: Node) -> None:
        async with a_tier(url_of(server)) as tier:
            pool = tier.pool(1)
            async with Redis(connection_pool=pool) as client:
                assert await client.incr("mine") == 1
            await pool.disconnect()

            assert await tier.call("GET", "mine") == b"1"
