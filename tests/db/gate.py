"""A way to Postgres that a test can close."""

import asyncio


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
