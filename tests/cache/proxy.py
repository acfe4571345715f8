"""A network between a cache and its Valkey that a test can close, count and garble."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

Garble = Callable[[bytes], bytes]


class Proxy:
    """Passes bytes on; `accepted` counts connections, `is_open` False ends new ones at once.

    What comes back is changed by `garble`, and late by `delay_seconds`.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self.is_open = True
        self.garble: Garble = bytes
        self.delay_seconds = 0.0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on, for as long as both sides want it."""
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self.is_open:
                return
            back, forth = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
            try:
                ways = [
                    asyncio.create_task(self._pass(reader, forth)),
                    asyncio.create_task(self._pass_back(back, writer)),
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
            finally:
                forth.close()
        except (OSError, asyncio.CancelledError):
            return
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    async def _pass_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            writer.write(self.garble(data))
            await writer.drain()

    def lead_to(self, upstream: str) -> None:
        """From the next connection on, another server answers."""
        self._upstream = urlsplit(upstream)

    def cut(self) -> None:
        """End every connection; new ones may be made."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """End what runs."""
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def a_proxy(upstream: str) -> AsyncIterator[Proxy]:
    """A proxy before the Valkey at `upstream`; its `url` is what a cache is given."""
    proxy = Proxy(upstream)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    parts = urlsplit(upstream)
    proxy.url = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()
