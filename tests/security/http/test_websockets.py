"""Floods over WebSockets: the worker takes no more of one client than it can answer, and others hear each other."""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from mina_api.sessions.limits import MAX_MESSAGE_BYTES
from tests.security.http.conftest import Attacked
from tests.security.http.wire import connected, request
from tests.sessions.sockets import joined
from tests.system.serving import DEADLINE_SECONDS, Serving

MB = 1_000_000
HANDSHAKE = (
    b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip
CONT, TEXT, BINARY, PING = 0x0, 0x1, 0x2, 0x9
FIN, COMPRESSED = 0x80, 0x40


def frame(opcode: int, payload: bytes, flags: int = FIN) -> bytes:
    """A frame as a client sends it, masked by zeros (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        length = struct.pack("!B", 0x80 | size)
    elif size < 65536:
        length = struct.pack("!BH", 0x80 | 126, size)
    else:
        length = struct.pack("!BQ", 0x80 | 127, size)
    return bytes([flags | opcode]) + length + bytes(4) + payload


@pytest.fixture(scope="module")
def session(attacked: Attacked) -> int:
    """A live session of Ada's."""
    meeting = attacked.meeting("Live")
    return int(attacked.client.post("/api/sessions/", json={"meeting_id": meeting}).json()["id"])


@contextmanager
def open_socket(attacked: Attacked, session: int, server: Serving | None = None) -> Iterator[socket.socket]:
    """A connection of Ada's to a session, the handshake done, as bytes."""
    target = b"/api/sessions/%d/live" % session
    with connected((server or attacked.server).url) as connection:
        connection.sendall(request(target, attacked.authorization, *HANDSHAKE))
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = connection.recv(1)
            assert chunk, head
            head += chunk
        assert head.startswith(b"HTTP/1.1 101 ")
        yield connection


def flood(connection: socket.socket, data: bytes, times: int) -> bool:
    """Send and send without reading; whether all of it was taken within two seconds."""
    connection.settimeout(2)
    try:
        for _ in range(times):
            connection.sendall(data)
    except (TimeoutError, ConnectionError):
        return False
    return True


def close_code(connection: socket.socket) -> int | None:
    """The code of the close frame that comes, or None where the connection ends without."""
    connection.settimeout(DEADLINE_SECONDS)
    with connection.makefile("rb") as stream:
        while len(start := stream.read(2)) == 2:
            size = start[1]
            if size >= 126:
                size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
            payload = stream.read(size)
            if start[0] == 0x88:
                return int.from_bytes(payload[:2], "big")
    return None


async def others_hear_each_other(attacked: Attacked, session: int) -> bool:
    """Whether what one participant says is acknowledged, and comes to another."""
    address = attacked.server.url.removeprefix("http://")
    token = attacked.client.headers["Authorization"].removeprefix("Bearer ")
    async with joined(address, session, token) as one, joined(address, session, token) as other:
        await asyncio.gather(one.next("state"), other.next("state"))
        text = f"Still here {os.urandom(8).hex()}"
        await one.say(1, text)
        await one.next("ack")
        while (await other.next("segment"))["text"] != text:
            pass
    return True


class TestFloods:
    @pytest.mark.parametrize(
        ("data", "times"),
        [
            (frame(PING, bytes(125)) * 7_000, 40),
            (frame(PING, b"") * 40_000, 4),
            (frame(TEXT, b"{}") * 30_000, 2),
            (frame(TEXT, b'{"type":"ping"}') * 12_000, 4),
            (frame(TEXT, b"[" * 250_000), 40),
            (frame(TEXT, b"", flags=0) + frame(CONT, b"", flags=0) * 160_000, 4),
            (frame(TEXT, b"", flags=0) + frame(CONT, b"x", flags=0) * 130_000, 4),
        ],
        ids=["pings", "empty pings", "messages", "pings of ours", "depth", "empty fragments", "fragments"],
    )
    async def test_of_who_does_not_read_take_bounded_memory(
        self, attacked: Attacked, session: int, data: bytes, times: int
    ) -> None:
        server = attacked.server
        server.forget_peak()
        before = server.peak_bytes()

        with ExitStack() as stack:
            opened = [stack.enter_context(open_socket(attacked, session)) for _ in range(3)]
            await asyncio.gather(*(asyncio.to_thread(flood, each, data, times) for each in opened))
            assert await others_hear_each_other(attacked, session)

        assert server.peak_bytes() - before < 30 * MB

    async def test_of_segments_by_one_client_let_others_be_heard(self, attacked: Attacked, session: int) -> None:
        said = {"type": "segment", "speaker": "Eve", "start": 0, "end": 1, "text": "x" * 1000, "final": True}
        data = b"".join(frame(TEXT, json.dumps({**said, "seq": seq}).encode()) for seq in range(10_000))
        server = attacked.server
        server.forget_peak()
        before = server.peak_bytes()

        with open_socket(attacked, session) as connection:
            flooding = asyncio.create_task(asyncio.to_thread(flood, connection, data, 1))
            assert await others_hear_each_other(attacked, session)
            assert attacked.client.get("/api/auth/me").status_code == 200
            await flooding

        assert server.peak_bytes() - before < 60 * MB

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (frame(TEXT, b" " * (MAX_MESSAGE_BYTES + 1)), 1009),
            (frame(TEXT, b" " * MAX_MESSAGE_BYTES, flags=0) + frame(CONT, b" "), 1009),
            (bytes([FIN | TEXT, 0x80 | 127]) + b"\x7f" + b"\xff" * 7 + bytes(4), 1009),
            (frame(TEXT, b"", flags=0) + frame(CONT, b"", flags=0) * 1001, 1009),
            (frame(TEXT, b"\xff\xfe"), 1007),
            (frame(TEXT, b'"\xed\xa0\x80"'), 1007),
            (frame(BINARY, b"{}"), 1003),
            (frame(PING, b"") * 20_000, 1008),
            (frame(TEXT, b"\x00" * 20, flags=FIN | COMPRESSED), 1002),
            (frame(CONT, b"x"), 1002),
            (frame(TEXT, b"x", flags=0) + frame(TEXT, b"y"), 1002),
            (frame(PING, bytes(126)), 1002),
            (frame(PING, b"", flags=0), 1002),
            (frame(0x3, b""), 1002),
            (bytes([FIN | TEXT, 1]) + b"x", 1002),
        ],
    )
    async def test_of_what_is_no_message_end_the_connection(
        self, attacked: Attacked, session: int, data: bytes, code: int
    ) -> None:
        with open_socket(attacked, session) as connection:
            connection.sendall(data)
            assert await asyncio.to_thread(close_code, connection) == code

    async def test_of_json_that_is_no_message_are_answered_and_change_nothing(
        self, attacked: Attacked, session: int
    ) -> None:
        token = attacked.client.headers["Authorization"].removeprefix("Bearer ")
        texts = [
            "[" * 100_000, '{"a":' * 40_000, '{"type":"segment","seq":%s}' % ("9" * 5000), "NaN", '"\\ud800"', "",
            '{"type":"segment","seq":1e999}', '{"type":"ping","type":"nothing"}', '{"type":"\\u0000"}', "\ufeff{}",
        ]  # fmt: skip
        async with joined(attacked.server.url.removeprefix("http://"), session, token) as ada:
            await ada.next("state")
            for text in texts:
                await ada.socket.send(text)
                assert (await ada.next("error"))["detail"]
            await ada.send(type="ping")
            assert await ada.next("pong")


class TestHandshakes:
    async def test_that_do_not_end_are_given_up(self, attacked: Attacked) -> None:
        """A handshake is a request's head as any other."""
        with ExitStack() as stack:
            opened = [stack.enter_context(connected(attacked.slow_way.url)) for _ in range(100)]
            for each in opened:
                each.sendall(request(b"/api/sessions/1/live", *HANDSHAKE)[:-2])
            received = await asyncio.gather(*(asyncio.to_thread(each.recv, 12) for each in opened))

        assert set(received) == {b"HTTP/1.1 408"}

    async def test_with_bad_tickets_keep_no_request_waiting(self, attacked: Attacked, session: int) -> None:
        url = f"{attacked.server.url.replace('http', 'ws')}/api/sessions/{session}/live?ticket="
        answered = 0

        async def try_ticket(number: int) -> int:
            async with connect(f"{url}{'t' * 43}{number}", open_timeout=DEADLINE_SECONDS) as socket:
                with pytest.raises(ConnectionClosed) as end:
                    await socket.recv()
            assert end.value.rcvd is not None
            return end.value.rcvd.code

        trying = asyncio.gather(*map(try_ticket, range(300)))
        while not trying.done():
            title = {"title": f"Beside {answered}"}
            answer = await asyncio.to_thread(attacked.client.post, "/api/meetings/", json=title)
            assert answer.status_code == 201
            answered += 1
            await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0.01))])
        codes = await trying

        assert (set(codes), answered > 0) == ({4401}, True)

    async def test_of_more_connections_than_a_user_may_have_are_refused(self, attacked: Attacked, session: int) -> None:
        token = attacked.client.headers["Authorization"]
        url = f"{attacked.slow_way.url.replace('http', 'ws')}/api/sessions/{session}/live"
        headers = {"Authorization": token}
        async with connect(url, additional_headers=headers) as one, connect(url, additional_headers=headers) as other:
            await asyncio.gather(one.recv(), other.recv())
            async with connect(url, additional_headers=headers) as third:
                with pytest.raises(ConnectionClosed) as end:
                    await third.recv()
        async with connect(url, additional_headers=headers) as again:
            state = json.loads(await again.recv())

        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 4429
        assert state["type"] == "state"
