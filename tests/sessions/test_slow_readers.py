"""Who does not read: over a socket that is opened by hand, since clients read by themselves."""

import asyncio
import json
import socket as sockets

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.settings import Settings
from tests.api import SignUp, running
from tests.sessions.sockets import a_session, eventually, joined, listeners, listening, token_of


class TestASlowReader:
    async def test_is_closed_and_holds_up_nobody(self, settings: Settings, clock: FakeClock, sign_up: SignUp) -> None:
        ada = await sign_up()
        session = await a_session(ada)
        live = settings.live.model_copy(update={"queue_messages": 20})
        async with (
            running(create_app(settings.model_copy(update={"live": live}), clock=clock)) as app,
            listening(app) as address,
            joined(address, session, token_of(ada)) as speaker,
            joined(address, session, token_of(ada)) as reader,
        ):
            await reader.next("state")
            with sockets.socket() as slow:
                slow.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
                await open_without_reading(slow, address, session, token_of(ada))
                await eventually(lambda: len(listeners(app, session)) == 3)
                for seq in range(1, 1000):
                    await speaker.say(seq, "x" * 20_000)
                    await speaker.next("ack")
                    await reader.next("segment")
                    if len(listeners(app, session)) < 3 or any(each.closing for each in listeners(app, session)):
                        break
                code = await asyncio.to_thread(close_code, slow)

        assert code == 1013
        assert seq < 999


async def open_without_reading(slow: sockets.socket, address: str, session: int, token: str) -> None:
    """Do the opening handshake by hand, and read no further than its answer."""
    host, _, port = address.partition(":")
    slow.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(slow, (host, int(port)))
    lines = (
        f"GET /api/sessions/{session}/live HTTP/1.1",
        f"Host: {address}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"Authorization: Bearer {token}",
    )
    await loop.sock_sendall(slow, ("\r\n".join(lines) + "\r\n\r\n").encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += await loop.sock_recv(slow, 1)
    assert head.startswith(b"HTTP/1.1 101"), head


def close_code(slow: sockets.socket) -> int:
    """Read all that is left, frame by frame (RFC 6455 section 5.2); the code of the close frame."""
    slow.setblocking(True)
    slow.settimeout(60)
    with slow.makefile("rb") as stream:
        while True:
            kind, length = stream.read(2)
            if length >= 126:
                length = int.from_bytes(stream.read(2 if length == 126 else 8), "big")
            payload = stream.read(length)
            if kind & 0x0F == 8:
                return int.from_bytes(payload[:2], "big")
            if kind & 0x0F == 1:
                json.loads(payload)
