"""Clients that take their time: each is given up after a while, and meanwhile nobody else notices."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx

from tests.security.http.conftest import Attacked
from tests.security.http.wire import HOST, answers, request
from tests.system.serving import DEADLINE_SECONDS, Serving

CLIENTS = 200
READERS = 20
MB = 1_000_000


@asynccontextmanager
async def many(server: Serving, count: int) -> AsyncIterator[list[socket.socket]]:
    """So many connections."""
    loop = asyncio.get_running_loop()
    host, _, port = server.url.removeprefix("http://").partition(":")
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in opened:
            each.setblocking(False)
            await loop.sock_connect(each, (host, int(port)))
        yield opened


async def trickle(connection: socket.socket, piece: bytes) -> bytes:
    """All that comes back while `piece` is sent again and again, until the server closes.

    By the socket itself: a stream of asyncio's gives up what has come where a piece can no longer be sent.
    """
    loop = asyncio.get_running_loop()

    async def send() -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await loop.sock_sendall(connection, piece)
                await asyncio.sleep(0.2)

    received = b""
    sending = asyncio.create_task(send())
    try:
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(DEADLINE_SECONDS):
                while part := await loop.sock_recv(connection, 65_536):
                    received += part
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    return received


async def while_others_are_answered(attacked: Attacked, work: Callable[[], Awaitable[object]]) -> int:
    """Do `work` while another client asks; how many answers it got."""
    server = attacked.slow_way
    headers = {"Authorization": attacked.client.headers["Authorization"]}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=DEADLINE_SECONDS) as other:
        working = asyncio.ensure_future(work())
        count = 0
        while not working.done():
            for answer in (await other.get("/api/auth/me"), await other.get("/api/meetings/?per_page=1")):
                assert answer.status_code == 200
                count += 1
            await asyncio.wait([working], timeout=0.05)
        await working
        return count


class TestSlowClients:
    async def test_whose_head_does_not_end_are_given_up(self, attacked: Attacked) -> None:
        server = attacked.slow_way
        server.forget_peak()
        before = server.peak_bytes()
        received: list[bytes] = []

        async with many(server, CLIENTS) as opened:

            async def attack() -> None:
                for each in opened[::2]:
                    each.sendall(b"GET /ops/health/live HTTP/1.1\r\n" + HOST)
                # Every other one says nothing at all, or ends lines before there is a request.
                received.extend(
                    await asyncio.gather(
                        *(
                            trickle(each, b"X: y\r\n" if index % 2 == 0 else b"\r\n" * (index % 4 == 1))
                            for index, each in enumerate(opened)
                        )
                    )
                )

            answered = await while_others_are_answered(attacked, attack)

        assert {each.status for began in received[::2] for each in answers(began)} == {408}
        assert set(received[1::2]) == {b""}
        assert answered > 20
        assert server.peak_bytes() - before < 20 * MB

    async def test_whose_body_does_not_end_are_given_up(self, attacked: Attacked) -> None:
        """A byte now and then; in one piece, in chunks, as a file, and after an answer that does not wait for it."""
        server = attacked.slow_way
        meeting = attacked.meeting("Untouched")
        transcript = b"/api/meetings/%d/transcript" % meeting
        chunked = b"Transfer-Encoding: chunked"
        long = b"Content-Length: 100000"
        beginnings = [
            (request(b"/api/meetings/", attacked.authorization, long, method=b"POST"), b" ", {408}),
            (request(b"/api/meetings/", attacked.authorization, chunked, method=b"POST"), b"1\r\n \r\n", {408}),
            (request(transcript, attacked.authorization, b"Content-Type: text/vtt", long, method=b"PUT"), b"a", {408}),
            (request(b"/api/auth/me", chunked), b"1\r\n \r\n", {401}),
        ]
        server.forget_peak()
        before = server.peak_bytes()
        received: list[bytes] = []

        async with many(server, CLIENTS) as opened:

            async def attack() -> None:
                for index, each in enumerate(opened):
                    each.sendall(beginnings[index % 4][0])
                pieces = (beginnings[index % 4][1] for index in range(CLIENTS))
                received.extend(await asyncio.gather(*map(trickle, opened, pieces)))

            answered = await while_others_are_answered(attacked, attack)

        for kind, (_, _, expected) in enumerate(beginnings):
            assert {each.status for began in received[kind::4] for each in answers(began)} == expected
        assert answered > 20
        assert attacked.client.get(f"/api/meetings/{meeting}").json()["segment_count"] == 0
        assert server.peak_bytes() - before < 30 * MB

    async def test_who_do_not_read_are_cut_off(self, attacked: Attacked) -> None:
        """Also who asks on and on: what is asked for is not made before what was asked before it is taken."""
        server, client = attacked.slow_way, attacked.client
        meeting = attacked.meeting("Long")
        segments = [{"speaker": "Ada", "start": n, "end": n + 1, "text": f"{n} " + "long " * 390} for n in range(5000)]
        put = client.put(f"/api/meetings/{meeting}/transcript", json={"segments": segments}, timeout=60)
        assert put.status_code == 200
        ask = request(b"/api/meetings/%d/transcript" % meeting, attacked.authorization)
        await asyncio.to_thread(httpx.get, f"{server.url}/api/meetings/{meeting}/transcript", headers=client.headers)
        server.forget_peak()
        before = server.peak_bytes()

        with ExitStack() as stack:
            opened = [stack.enter_context(without_window(server)) for _ in range(READERS)]

            async def attack() -> None:
                for each in opened:
                    each.sendall(ask * 50)
                async with asyncio.timeout(DEADLINE_SECONDS):
                    while connections(server) > 5:  # noqa: ASYNC110  (nothing tells)
                        await asyncio.sleep(0.2)

            answered = await while_others_are_answered(attacked, attack)

        assert answered > 5
        assert server.peak_bytes() - before < (READERS + 5) * 20 * MB, server.peak_bytes() - before


def without_window(server: Serving) -> socket.socket:
    """A connection of which the client's side takes hardly anything before it is read."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.connect((host, int(port)))
    return opened


def connections(server: Serving) -> int:
    """How many a worker has established at its own port (proc(5), `net/tcp`)."""
    port = f":{int(server.url.rpartition(':')[2]):04X}"
    lines = Path(f"/proc/{server.process.pid}/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1].endswith(port) and line.split()[3] == "01" for line in lines)
