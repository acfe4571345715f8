"""Processes that tell each other of writes by Postgres: each `a_peer` is what one process would have."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest

from mina_api.db.outbox import Outbox, hold_owner, note
from mina_api.db.peering import PeersUnreachable
from mina_api.db.peers import PostgresPeers
from mina_api.db.session import Database
from tests.servers import a_database


class Served:
    """What a process was asked to do: the tags that are held, and until when it may serve."""

    def __init__(self) -> None:
        self.tags: dict[str, frozenset[str]] = {}
        self.until = math.inf
        self.memory_until = -math.inf
        self.starts = 0

    @property
    def held(self) -> frozenset[str]:
        return frozenset(self.tags)

    def hold(self, owner: str, tags: Iterable[str]) -> None:
        self.tags[owner] = frozenset(tags)

    def drop(self, owner: str) -> None:
        self.tags.pop(owner, None)

    def permit(self, until: float) -> None:
        self.until = until

    def permit_memory(self, until: float) -> None:
        self.until = self.memory_until = until

    def start_over(self) -> None:
        self.starts += 1
        self.memory_until = -math.inf

    @property
    def serves(self) -> bool:
        return time.monotonic() < self.until


class Peer:
    """One process: its peers, its side of it, its database, and what was lifted in Redis by it."""

    def __init__(self, url: str, lease_seconds: float, serves_without_postgres: bool) -> None:
        self.database: Database = a_database(url)
        self.outbox = Outbox(self.database)
        self.served = Served()
        self.lifted: list[str] = []
        self.redis_fails = False
        self.peers = PostgresPeers(
            url,
            self.database,
            drain=self.outbox.drain,
            lease_seconds=lease_seconds,
            hold_seconds=30,
            timeout_seconds=20,
            serves_without_postgres=serves_without_postgres,
        )

    async def lift(self, tags: Sequence[str], _: Sequence[str]) -> None:
        if self.redis_fails:
            raise RuntimeError("Redis is away")
        self.lifted += tags

    async def registered(self) -> set[str]:
        async with self.database.read() as session:
            return set(await self.peers.registered(session))


@asynccontextmanager
async def a_peer(url: str, *, lease_seconds: float = 30, serves_without_postgres: bool = True) -> AsyncIterator[Peer]:
    peer = Peer(url, lease_seconds, serves_without_postgres)
    await peer.peers.start(peer.served)
    try:
        yield peer
    finally:
        await peer.peers.close()
        await peer.database.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  (what it waits for is another process)
            await asyncio.sleep(0.005)


@pytest.fixture
async def writer(database_url: str) -> AsyncIterator[Peer]:
    async with a_peer(database_url) as peer:
        yield peer


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Peer]:
    async with a_peer(database_url) as peer:
        yield peer


class TestHold:
    async def test_returns_once_a_peer_without_redis_neither_serves_nor_keeps_what_is_under_its_tags(
        self, writer: Peer, reader: Peer
    ) -> None:
        async with writer.database.read() as session:
            registered = await writer.peers.registered(session)

        await writer.peers.hold("o", ["meeting:1"], registered, with_all=False)
        while_held = dict(reader.served.tags)
        await writer.peers.release("o", is_lifted=True)

        assert registered == {reader.peers.process: "postgres"}
        assert while_held == {"o": frozenset({"meeting:1"})}
        await until(lambda: not reader.served.tags)
        assert not writer.served.tags

    async def test_of_those_without_redis_concerns_no_peer_that_redis_tells(
        self, database_url: str, writer: Peer, reader: Peer
    ) -> None:
        await reader.peers.enter_redis(reader.lift, "a reign")
        async with a_peer(database_url) as without_redis:
            some = {without_redis.peers.process: "postgres"}
            await writer.peers.hold("some", ["meeting:1"], some, with_all=False)  # type: ignore[arg-type]
            async with writer.database.read() as session:
                everybody = await writer.peers.registered(session)
            await writer.peers.hold("all", ["meeting:2"], everybody, with_all=True)

            assert everybody == {reader.peers.process: "redis", without_redis.peers.process: "postgres"}
            assert reader.served.held == {"all"}
            assert without_redis.served.held == {"some", "all"}

    async def test_ends_for_a_peer_with_redis_once_it_has_drained_the_outbox(self, writer: Peer, reader: Peer) -> None:
        await reader.peers.enter_redis(reader.lift, "a reign")
        async with writer.database.write() as session:
            row = await note(session, ["meeting:1"])
            registered = await writer.peers.registered(session)
            await writer.peers.hold(hold_owner(row), ["meeting:1"], registered, with_all=True)
            before = (set(reader.served.held), reader.lifted.copy())

        await writer.peers.release(hold_owner(row), is_lifted=False)

        await until(lambda: not reader.served.tags)
        assert before == ({hold_owner(row)}, [])
        assert reader.lifted == ["meeting:1"]

    async def test_stays_where_the_outbox_cannot_be_drained_and_ends_once_it_can(
        self, database_url: str, writer: Peer
    ) -> None:
        async with a_peer(database_url, lease_seconds=0.3) as reader:
            await reader.peers.enter_redis(reader.lift, "a reign")
            row = await writer.outbox.record(["meeting:1"])
            reader.redis_fails = True
            await writer.peers.hold(hold_owner(row), ["meeting:1"], {reader.peers.process: "redis"}, with_all=True)

            await writer.peers.release(hold_owner(row), is_lifted=False)
            renewed = reader.served.until
            await until(lambda: reader.served.until > renewed)
            still = set(reader.served.held)
            reader.redis_fails = False

            await until(lambda: not reader.served.tags)
            assert (still, reader.lifted) == ({hold_owner(row)}, ["meeting:1"])

    async def test_waits_no_longer_than_the_lease_of_a_peer_that_has_died(self, database_url: str) -> None:
        async with a_peer(database_url, lease_seconds=0.2) as writer:
            began = time.monotonic()

            await writer.peers.hold("o", ["meeting:1"], {"dead": "postgres"}, with_all=True)

            assert time.monotonic() - began >= 0.2

    async def test_cannot_be_placed_where_postgres_does_not_hear_us(self, database_url: str) -> None:
        async with a_peer(database_url) as writer:
            await writer.peers.close()

            with pytest.raises(PeersUnreachable):
                await writer.peers.hold("o", ["meeting:1"], {"other": "redis"}, with_all=True)


class TestEntering:
    async def test_waits_for_the_writers_that_did_not_see_it(self, database_url: str, writer: Peer) -> None:
        async with writer.database.write() as session:
            row = await note(session, ["meeting:1"])
            entering = asyncio.create_task(_entered(database_url))
            unknown = not await _comes_in(entering)

        reader = await entering

        assert unknown
        assert reader.lifted == ["meeting:1"], f"the row {row} was not drained before anything is served"

    async def test_a_peer_hears_of_holds_that_began_before_it(self, database_url: str) -> None:
        async with a_peer(database_url, lease_seconds=0.2) as short:
            await short.peers.hold("o", ["meeting:1"], {"dead": "postgres"}, with_all=True)

            async with a_peer(database_url) as reader:
                assert reader.served.held == {"o"}

    async def test_acknowledges_holds_while_it_waits_for_their_writers(self, database_url: str, writer: Peer) -> None:
        """Each would wait for the other, else: the one for an acknowledgement, the other for a COMMIT."""
        async with writer.database.write() as session:
            row = await note(session, ["meeting:1"])
            entering = asyncio.create_task(_entered(database_url))
            async with asyncio.timeout(60):
                while not (registered := await writer.peers.registered(session)):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)

            async with asyncio.timeout(20):
                await writer.peers.hold(hold_owner(row), ["meeting:1"], registered, with_all=True)
            waits = not entering.done()
        await writer.peers.release(hold_owner(row), is_lifted=False)

        reader = await entering
        assert waits
        assert reader.lifted == ["meeting:1"]

    async def test_where_the_outbox_cannot_be_drained_leaves_it_without_redis(self, reader: Peer) -> None:
        await reader.outbox.record(["meeting:1"])
        reader.redis_fails = True

        with pytest.raises(RuntimeError):
            await reader.peers.enter_redis(reader.lift, "a reign")

        await until(lambda: reader.served.memory_until > 0)

    async def test_a_change_of_who_vouches_empties_the_memory(self, reader: Peer) -> None:
        before = reader.served.starts

        await reader.peers.enter_redis(reader.lift, "a reign")
        with_redis = (reader.served.starts, reader.served.memory_until)
        reader.peers.leave_redis()

        await until(lambda: reader.served.memory_until > 0)
        assert with_redis == (before + 1, -math.inf)
        assert reader.served.starts == before + 2


class TestLosingPostgres:
    async def test_a_peer_comes_back_by_itself(self, database_url: str, reader: Peer, writer: Peer) -> None:
        await reader.peers.enter_redis(reader.lift, "a reign")
        starts = reader.served.starts

        await _cut(database_url)

        await until(lambda: reader.served.starts > starts and reader.served.serves)
        assert await writer.registered() == {reader.peers.process}

    async def test_what_was_noted_meanwhile_is_drained_before_anything_is_served_again(
        self, database_url: str, reader: Peer, writer: Peer
    ) -> None:
        await reader.peers.enter_redis(reader.lift, "a reign")
        await writer.outbox.record(["meeting:1"])
        starts = reader.served.starts

        await _cut(database_url)

        await until(lambda: reader.served.starts > starts and reader.served.serves)
        assert reader.lifted == ["meeting:1"]

    @pytest.mark.parametrize("serves", [True, False])
    async def test_for_good_serves_what_redis_vouches_for_as_it_is_told_to(
        self, database_url: str, postgres_gate: "Gate", serves: bool
    ) -> None:
        url = postgres_gate.url_of(database_url)
        async with a_peer(url, lease_seconds=0.3, serves_without_postgres=serves) as peer:
            await peer.peers.enter_redis(peer.lift, "a reign")

            await postgres_gate.close()

            await until(lambda: peer.served.until == math.inf if serves else not peer.served.serves)
            await postgres_gate.open()
            await until(lambda: peer.served.serves and peer.served.until < math.inf)


class TestRegistered:
    async def test_names_nobody_who_has_left(self, database_url: str, writer: Peer) -> None:
        async with a_peer(database_url) as reader:
            present = await writer.registered()

        assert (present, await writer.registered()) == ({reader.peers.process}, set())


async def _entered(url: str) -> Peer:
    async with a_peer(url) as peer:
        await peer.peers.enter_redis(peer.lift, "a reign")
        return peer


async def _comes_in(entering: "asyncio.Task[Peer]") -> bool:
    """Whether the task ends by itself within a while."""
    done, _ = await asyncio.wait({entering}, timeout=0.3)
    return bool(done)


async def _cut(url: str) -> None:
    """End every listening connection."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'mina listener' AND datname = current_database()"
        )
    finally:
        await connection.close()


class Gate:
    """A way to Postgres that can be closed: connections through it break, new ones are refused."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def url_of(self, url: str) -> str:
        """`url` by way of the gate."""
        scheme, rest = url.split("://", 1)
        credentials, _, place = rest.rpartition("@")
        return f"{scheme}://{credentials}@127.0.0.1:{self._port}/{place.split('/', 1)[1]}"

    async def open(self) -> None:
        """Let through from now on."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Break what is open, and refuse."""
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there, back = await asyncio.open_connection(*self._target)
        try:
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        except (asyncio.CancelledError, OSError):
            return
        finally:
            for each in (writer, back):
                each.transport.abort()
            self._tasks.discard(task)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    raise OSError("closed")


@pytest.fixture
async def postgres_gate(database_url: str) -> AsyncIterator[Gate]:
    place = database_url.rpartition("@")[2].split("/")[0]
    host, _, port = place.rpartition(":")
    gate = Gate(host, int(port))
    await gate.open()
    yield gate
    await gate.close()
