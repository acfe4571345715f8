"""What a hit costs, in calls of functions and not in time: the same on every machine, however busy it is.

A request goes through uvicorn's own protocol, bytes to bytes. Counted are calls of Python functions, and those of
built-in ones from Mina's code, by `sys.setprofile`.
"""

import asyncio
import math
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

import mina_api
from mina_api.cache.fastapi.sampling import Sampling
from mina_api.web.application import Application
from mina_api.web.connections import HttpConnection
from tests.web.lines import Line

OURS = str(Path(mina_api.__file__).parent)
HITS = 20
PATH = "/api/analytics/dashboard?days=7"


# Of Mina's own functions for one hit, and of built-in ones that they call. Who makes a hit dearer says why here.
# Those of the connection itself are counted where it is Mina's, in place of uvicorn's and of a task.
MOST = {HttpToolsProtocol: (26, 17), HttpConnection: (24, 22)}
# Of all Python functions, also those of the test and of the server: for one hit, and for one that is routed.
MOST_OF_ALL = {HttpToolsProtocol: (165, 880), HttpConnection: (85, 880)}


class Calls:
    """Calls within a block: of Python functions of `ours` by name, and of built-in ones from there."""

    def __init__(self, ours: str = OURS) -> None:
        self._ours = ours
        self.own: Counter[str] = Counter()
        self.built_in: Counter[str] = Counter()
        self.every = 0

    def __enter__(self) -> "Calls":
        sys.setprofile(self._note)
        return self

    def __exit__(self, *failure: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        is_ours = frame.f_code.co_filename.startswith(self._ours)
        if event == "call":
            self.every += 1
            if is_ours:
                self.own[frame.f_code.co_qualname] += 1
        elif event == "c_call" and is_ours:
            self.built_in[f"{frame.f_code.co_qualname}: {argument.__qualname__}"] += 1


def of_each(calls: Counter[str]) -> dict[str, int]:
    """Calls of each hit: what runs beside them, now and then, is none of theirs."""
    return {name: count // HITS for name, count in calls.items() if count >= HITS}


@pytest.fixture(params=[HttpToolsProtocol, HttpConnection], ids=["plain uvicorn", "mina serve"])
async def line(request: pytest.FixtureRequest, app: Application, ada: httpx.AsyncClient) -> Line:
    return Line(app, request.param, PATH, ada.headers["authorization"])


async def a_shortcut(app: FastAPI, line: Line) -> None:
    """Have the next answers come by a shortcut, in memory, and none of them sampled."""
    app.state.shortcuts.sampling = Sampling(seconds=math.inf)
    async with asyncio.timeout(60):
        while b"detail=l1" not in await line.ask() or not app.state.shortcuts.answered > 1:
            pass


async def fewest(line: Line) -> int:
    """Calls of so many answers, without what runs beside them now and then: of three times the least."""
    counts = []
    for _ in range(3):
        with Calls() as calls:
            for _ in range(HITS):
                await line.ask()
        counts.append(calls.every)
    return min(counts)


class TestAHit:
    async def test_calls_few_functions(self, app: FastAPI, line: Line) -> None:
        await a_shortcut(app, line)
        before = app.state.shortcuts.answered
        with Calls() as calls:
            for _ in range(HITS):
                await line.ask()

        assert app.state.shortcuts.answered - before == HITS
        own, built_in = MOST[line.serves_by]
        assert sum(of_each(calls.own).values()) <= own, of_each(calls.own)
        assert sum(of_each(calls.built_in).values()) <= built_in, of_each(calls.built_in)

    async def test_calls_few_functions_of_others(self, app: FastAPI, line: Line) -> None:
        of_a_hit, of_a_routed_one = MOST_OF_ALL[line.serves_by]
        await a_shortcut(app, line)
        short = await fewest(line)
        app.state.shortcuts = None
        routed = await fewest(line)

        assert short <= of_a_hit * HITS
        assert routed <= of_a_routed_one * HITS
