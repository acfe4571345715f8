"""The proxy loses what it is told to lose, and delivers late what it has held back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.system.history.proxy import Proxy, Way


class Echo:
    """A server that answers each line with itself, and notes what it has read."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.changed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.heard.append(line)
                self.changed.set()
                writer.write(line)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def until_heard(self, line: bytes) -> None:
        async with asyncio.timeout(60):
            while line not in self.heard:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, int]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with server:
        yield echo, server.sockets[0].getsockname()[1]


@pytest.fixture
async def proxy(echo: tuple[Echo, int]) -> AsyncIterator[Proxy]:
    proxy = Proxy(echo[1])
    await proxy.start()
    yield proxy
    await proxy.close()


class Client:
    """A connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, line: bytes) -> bytes:
        """Send a line; the answer, or nothing where the connection has ended."""
        self.writer.write(line)
        return await self.hear()

    async def hear(self) -> bytes:
        try:
            return await asyncio.wait_for(self.reader.readline(), 60)
        except ConnectionError:
            return b""


Connect = Callable[[], Awaitable[Client]]


@pytest.fixture
async def connect(proxy: Proxy) -> AsyncIterator[Connect]:
    """Makes connections through the proxy, which are closed after the test."""
    made: list[Client] = []

    async def open_one() -> Client:
        made.append(Client(*await asyncio.open_connection("127.0.0.1", proxy.port)))
        return made[-1]

    yield open_one
    for each in made:
        each.writer.transport.abort()


@pytest.fixture
async def client(connect: Connect) -> Client:
    return await connect()


class TestProxy:
    async def test_passes_on(self, client: Client) -> None:
        assert [await client.ask(line) for line in (b"one\n", b"two\n")] == [b"one\n", b"two\n"]

    async def test_cuts_connections_and_takes_new_ones(self, proxy: Proxy, client: Client, connect: Connect) -> None:
        await client.ask(b"one\n")
        proxy.cut()

        assert await client.hear() == b""
        assert await (await connect()).ask(b"two\n") == b"two\n"

    async def test_refuses_until_it_is_healed(self, proxy: Proxy, client: Client, connect: Connect) -> None:
        await client.ask(b"one\n")
        proxy.refuse()

        assert await (await connect()).ask(b"two\n") == b""
        proxy.heal()
        assert await (await connect()).ask(b"three\n") == b"three\n"

    async def test_delivers_what_it_held_after_its_sender_has_gone(
        self, proxy: Proxy, client: Client, connect: Connect, echo: tuple[Echo, int]
    ) -> None:
        await client.ask(b"one\n")
        proxy.hold(*Way)
        client.writer.write(b"late\n")
        await client.writer.drain()
        client.writer.close()
        other = await connect()
        other.writer.write(b"other\n")
        assert echo[0].heard == [b"one\n"]

        proxy.heal()
        await echo[0].until_heard(b"late\n")

        assert await other.hear() == b"other\n"

    async def test_holds_back_answers_alone(self, proxy: Proxy, client: Client, echo: tuple[Echo, int]) -> None:
        await client.ask(b"one\n")
        proxy.hold(Way.TO_CLIENT)
        client.writer.write(b"two\n")
        await echo[0].until_heard(b"two\n")
        proxy.heal()

        assert await client.hear() == b"two\n"

    async def test_slows_down_and_keeps_the_order(self, proxy: Proxy, client: Client) -> None:
        await client.ask(b"one\n")
        proxy.slow_down(0.05)
        client.writer.write(b"two\n")
        await client.writer.drain()
        proxy.heal()
        client.writer.write(b"three\n")

        assert [await client.hear() for _ in range(2)] == [b"two\n", b"three\n"]

    async def test_holds_back_one_kind_of_connection_alone(self, proxy: Proxy, connect: Connect) -> None:
        listener, other = await connect(), await connect()
        await listener.ask(b"SUBSCRIBE\n")
        proxy.hold(Way.TO_CLIENT, marker=b"SUBSCRIBE")
        listener.writer.write(b"one\n")

        assert await other.ask(b"two\n") == b"two\n"
        proxy.heal()
        assert await listener.hear() == b"one\n"

    async def test_loses_what_it_held(self, proxy: Proxy, client: Client, echo: tuple[Echo, int]) -> None:
        await client.ask(b"one\n")
        proxy.hold(*Way)
        client.writer.write(b"two\n")
        await client.writer.drain()
        proxy.heal(deliver=False)

        assert await client.hear() == b""
        assert echo[0].heard == [b"one\n"]

    @pytest.mark.parametrize("passing", [True, False])
    async def test_springs_a_trap(self, proxy: Proxy, client: Client, echo: tuple[Echo, int], passing: bool) -> None:
        sprung = proxy.trap(b"COMMIT", passing=passing)
        await client.ask(b"BEGIN\n")
        client.writer.write(b"COMMIT\n")
        assert await sprung == b"COMMIT\n"
        if passing:
            assert await client.hear() == b"COMMIT\n"
        client.writer.write(b"more\n")
        heard = [b"BEGIN\n", b"COMMIT\n"] if passing else [b"BEGIN\n"]
        assert echo[0].heard == heard

        proxy.heal()
        await echo[0].until_heard(b"more\n")

        assert echo[0].heard == [b"BEGIN\n", b"COMMIT\n", b"more\n"]
