"""Applications behind real sockets, in the test's own event loop, and participants who talk to them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from mina_api.dev.ports import free_port
from mina_api.sessions.rooms import Listener

DEADLINE_SECONDS = 60

Message = dict[str, Any]


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[str]:
    """The address of a started application, served by uvicorn until the block ends."""
    config = uvicorn.Config(
        app, port=free_port(), lifespan="off", log_config=None, access_log=False, ws_per_message_deflate=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())  # without its signal handlers
    try:
        await eventually(lambda: server.started)
        yield f"127.0.0.1:{config.port}"
    finally:
        server.should_exit = True
        await serving


async def eventually(condition: Callable[[], Any]) -> Any:
    """What `condition` gives, once that is true."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (found := condition()):  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.01)
    return found


@dataclass
class Participant:
    """A connection to a session, and all that came over it."""

    socket: ClientConnection
    received: list[Message] = field(default_factory=list)

    async def send(self, **message: Any) -> None:
        """Send a message."""
        await self.socket.send(json.dumps(message))

    async def say(self, seq: int, text: str = "Hi.", *, speaker: str = "Ada", **other: Any) -> None:
        """Send a segment, final unless it says otherwise."""
        said = {"speaker": speaker, "start": float(seq), "end": seq + 0.5, "text": text, "final": True}
        await self.send(type="segment", seq=seq, **{**said, **other})

    async def next(self, kind: str) -> Message:
        """The next message of a kind; others are kept in `received` too."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                message: Message = json.loads(await self.socket.recv())
                self.received.append(message)
                if message["type"] == kind:
                    return message

    async def take(self, kind: str, count: int) -> list[Message]:
        """The next messages of a kind."""
        return [await self.next(kind) for _ in range(count)]

    async def closed(self) -> int:
        """The code that the connection is closed with."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            try:
                while True:
                    self.received.append(json.loads(await self.socket.recv()))
            except ConnectionClosed as end:
                assert end.rcvd is not None, "the connection broke"
                return end.rcvd.code


@asynccontextmanager
async def joined(
    address: str, session_id: int, token: str | None, query: str = "", **options: Any
) -> AsyncIterator[Participant]:
    """A participant who has connected, by an access token or as `query` says; the state is still to come."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"ws://{address}/api/sessions/{session_id}/live{query}"
    async with connect(url, additional_headers=headers, max_size=None, max_queue=None, **options) as socket:
        yield Participant(socket)


def token_of(client: httpx.AsyncClient) -> str:
    """A client's access token."""
    return client.headers["Authorization"].removeprefix("Bearer ")


async def a_session(client: httpx.AsyncClient, **fields: object) -> int:
    """A new session's id, of a new meeting."""
    meeting = (await client.post("/api/meetings/", json={"title": "Stand-up", **fields})).json()["id"]
    answer = await client.post("/api/sessions/", json={"meeting_id": meeting})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def listeners(app: FastAPI, session: int) -> list[Listener]:
    """Who is in a session's room."""
    return list(app.state.live.rooms._rooms[session].listeners)
