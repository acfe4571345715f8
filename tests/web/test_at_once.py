"""What memory knows is answered by the connection itself: with the bytes of the long way, and only where it may."""

import asyncio
import math
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mina_api.cache.fastapi.sampling import Sampling
from mina_api.web.application import Application
from mina_api.web.connections import HttpConnection
from tests.api import a_meeting
from tests.web.lines import Line

PATH = "/api/meetings/?per_page=5"
# Made anew for each answer.
OWN = re.compile(rb"x-request-id: [^\r]*|date: [^\r]*")


@pytest.fixture
async def line(app: Application, ada: httpx.AsyncClient) -> AsyncIterator[Line]:
    line = Line(app, HttpConnection, PATH, ada.headers["authorization"])
    yield line
    async with asyncio.timeout(60):
        await asyncio.gather(*line.state.tasks)


@pytest.fixture
async def known(app: Application, line: Line) -> Line:
    """One whose answer memory knows, and is asked for no sample."""
    app.state.shortcuts.sampling = Sampling(seconds=math.inf)
    async with asyncio.timeout(60):
        while not line.send(line.request()):
            await line.answered()
    return line


class TestAnsweredAtOnce:
    async def test_is_what_memory_knows_without_a_task(self, known: Line) -> None:
        before = len(asyncio.all_tasks())

        answer = known.send(known.request())

        assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and b"; detail=l1" in answer
        assert (len(asyncio.all_tasks()), known.state.tasks) == (before, set())

    @pytest.mark.parametrize("fields", [{}, {"accept_encoding": "zstd"}, {"x_request_id": "mine-1"}], ids=str)
    async def test_has_the_bytes_that_plain_uvicorn_sends(
        self, app: Application, ada: httpx.AsyncClient, known: Line, fields: dict[str, str]
    ) -> None:
        plain = Line(app, HttpToolsProtocol, PATH, ada.headers["authorization"])
        for number in range(5):
            await a_meeting(ada, title=f"Planning of the quarter, part {number}")
        async with asyncio.timeout(60):
            while not (short := known.send(known.request(**fields))):
                await known.answered()

        long = await plain.ask(plain.request(**fields))

        assert OWN.sub(b"", short) == OWN.sub(b"", long)
        assert (b"x-request-id: mine-1" in short) == bool("x_request_id" in fields)

    async def test_is_304_for_who_has_it(self, known: Line) -> None:
        tag = re.search(rb"etag: ([^\r]*)", known.send(known.request()))
        assert tag

        had, other = (known.send(known.request(if_none_match=each)) for each in (tag[1].decode(), '"another"'))

        assert had.startswith(b"HTTP/1.1 304 ") and had.endswith(b"\r\n\r\n")
        assert other.startswith(b"HTTP/1.1 200 ")

    async def test_is_never_older_than_a_write(self, ada: httpx.AsyncClient, known: Line) -> None:
        await a_meeting(ada, title="Brand new")

        right_after = known.send(known.request()) or await known.answered()

        assert b"Brand new" in right_after

    @pytest.mark.parametrize(
        ("method", "version", "fields"),
        [
            ("HEAD", "1.1", {}),
            ("GET", "1.0", {}),
            ("GET", "1.1", {"connection": "close"}),
            ("GET", "1.1", {"cache_control": "no-cache"}),
            ("GET", "1.1", {"range": "bytes=0-1"}),
            ("GET", "1.1", {"content_length": "0"}),
            ("GET", "1.1", {"origin": "https://elsewhere.test"}),
            ("GET", "1.1", {"authorization": "Bearer another"}),
            ("GET", "1.1", {"x_api_key": "another"}),
        ],
        ids=str,
    )
    async def test_is_nothing_that_asks_for_more(
        self, known: Line, method: str, version: str, fields: dict[str, str]
    ) -> None:
        assert known.send(known.request(method, version, **fields)) == b""

    async def test_is_nothing_with_two_hosts(self, known: Line) -> None:
        twice = known.request().replace(b"host: mina\r\n", b"host: mina\r\nhost: mina\r\n")

        assert known.send(twice).startswith(b"HTTP/1.1 400 ")

    async def test_is_nothing_while_an_answer_before_it_is_under_way(self, known: Line) -> None:
        slow = known.request(cache_control="no-cache")

        assert known.send(slow) == b""
        assert known.send(known.request()) == b""

    async def test_is_no_sample(self, app: Application, known: Line) -> None:
        app.state.shortcuts.sampling = Sampling()

        assert known.send(known.request()) == b""

    async def test_is_nothing_where_a_path_leads_to_the_application(self, known: Line) -> None:
        known.protocol.root_path = "/mina"

        assert known.send(known.request()) == b""


def is_closed(line: Line, now: float) -> bool:
    """Whether the worker's look at `now` has ended the connection, or one before it."""
    line.protocol.look(now)
    return line.wire.is_closed


class TestAfterwards:
    async def test_the_connection_serves_what_has_to_be_run(self, known: Line) -> None:
        known.send(known.request())

        answer = await known.ask(known.request(pragma="x"))

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert known.send(known.request()).startswith(b"HTTP/1.1 200 ")

    async def test_it_ends_when_it_has_been_idle_for_as_long_as_others(self, known: Line) -> None:
        known.send(known.request())
        idle = known.protocol.timeout_keep_alive

        assert [is_closed(known, now) for now in (0.0, idle - 0.1, idle)] == [False, False, True]

    async def test_it_lives_as_long_as_it_is_asked(self, known: Line) -> None:
        for now in range(0, 40, 3):
            assert known.send(known.request()).startswith(b"HTTP/1.1 200 ")
            known.protocol.look(float(now))

        assert not known.wire.is_closed

    async def test_a_head_that_begins_and_does_not_end_is_refused_in_time(self, known: Line) -> None:
        known.send(known.request())
        known.send(known.request()[:30])
        seconds = HttpConnection.limits.head_seconds

        assert [is_closed(known, now) for now in (0.0, seconds - 0.1, seconds)] == [False, False, True]
        assert bytes(known.wire.written).startswith(b"HTTP/1.1 408 ")

    async def test_requests_are_counted_as_any(self, known: Line) -> None:
        before = known.state.total_requests

        known.send(known.request())

        assert known.state.total_requests == before + 1
