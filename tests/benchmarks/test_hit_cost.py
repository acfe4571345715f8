"""What a hit costs, in calls of functions and not in time: the same on every machine, however busy it is.

A request goes through uvicorn's own protocol, bytes to bytes. Counted are calls of Python functions, and those of
built-in ones from Mina's code, by `sys.setprofile`.
"""

import asyncio
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

import mina_api
from mina_api.cache.fastapi.shortcuts import SAMPLED_EVERY

OURS = str(Path(mina_api.__file__).parent)
HITS = 20
PATH = "/api/analytics/dashboard?days=7"

# Of Mina's own functions for one hit, and of built-in ones that they call. Who makes a hit dearer says why here.
OWN_CALLS = 19
BUILT_IN_CALLS = 12
# Of what a request comes to that is routed: a hit is to stay far from it.
ROUTED_SHARE = 0.1


class Wire(asyncio.Transport):
    """The server's end of a connection; keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 80)})
        self.written = bytearray()
        self.answered = asyncio.Event()

    def write(self, data: Any) -> None:
        """Keep it."""
        self.written += data
        if self.written.endswith(b"}"):
            self.answered.set()

    def is_closing(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Stay."""


class Calls:
    """Calls within a block: of Python functions by file, and of built-in ones from Mina's code."""

    def __init__(self) -> None:
        self.own: Counter[str] = Counter()
        self.built_in: Counter[str] = Counter()
        self.every = 0

    def __enter__(self) -> "Calls":
        sys.setprofile(self._note)
        return self

    def __exit__(self, *failure: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        is_ours = frame.f_code.co_filename.startswith(OURS)
        if event == "call":
            self.every += 1
            if is_ours:
                self.own[frame.f_code.co_qualname] += 1
        elif event == "c_call" and is_ours:
            self.built_in[f"{frame.f_code.co_qualname}: {argument.__qualname__}"] += 1


def of_each(calls: Counter[str]) -> dict[str, int]:
    """Calls of each hit: what runs beside them, now and then, is none of theirs."""
    return {name: count // HITS for name, count in calls.items() if count >= HITS}


class Line:
    """A connection to the application under uvicorn."""

    def __init__(self, app: FastAPI, token: str) -> None:
        config = Config(app, http="httptools", lifespan="off", log_config=None, access_log=False)
        config.load()
        self._protocol = HttpToolsProtocol(config, ServerState(), {})
        self.wire = Wire()
        self._protocol.connection_made(self.wire)
        self._request = f"GET {PATH} HTTP/1.1\r\nHost: mina\r\nAuthorization: {token}\r\n\r\n".encode()

    async def ask(self) -> bytes:
        """The whole answer."""
        self.wire.written.clear()
        self.wire.answered.clear()
        self._protocol.data_received(self._request)
        async with asyncio.timeout(60):
            await self.wire.answered.wait()
        # The server has yet to see that its answer was the last of it.
        await asyncio.sleep(0)
        return bytes(self.wire.written)


@pytest.fixture
async def line(app: FastAPI, ada: httpx.AsyncClient) -> Line:
    return Line(app, ada.headers["authorization"])


async def a_shortcut(app: FastAPI, line: Line) -> None:
    """Have the next answers come by a shortcut, in memory, and none of them sampled."""
    async with asyncio.timeout(60):
        while b"detail=l1" not in await line.ask() or not 1 <= app.state.shortcuts.answered % SAMPLED_EVERY < 30:
            pass


class TestAHit:
    async def test_calls_few_functions(self, app: FastAPI, line: Line) -> None:
        await a_shortcut(app, line)
        before = app.state.shortcuts.answered
        with Calls() as calls:
            for _ in range(HITS):
                await line.ask()

        assert app.state.shortcuts.answered - before == HITS
        assert sum(of_each(calls.own).values()) <= OWN_CALLS, of_each(calls.own)
        assert sum(of_each(calls.built_in).values()) <= BUILT_IN_CALLS, of_each(calls.built_in)

    async def test_calls_a_small_share_of_what_a_routed_one_does(self, app: FastAPI, line: Line) -> None:
        await a_shortcut(app, line)
        with Calls() as short:
            for _ in range(HITS):
                await line.ask()
        app.state.shortcuts = None
        with Calls() as routed:
            for _ in range(HITS):
                await line.ask()

        assert short.every <= ROUTED_SHARE * routed.every
