"""A client of live sessions: says what it reads, and shows what others say.

    python examples/live.py --url http://127.0.0.1:8000 --token "$TOKEN" --meeting 42

Each line of standard input is said, as `Ada: Shall we begin?` or without a name; Ctrl-D ends the session. What a
server did not acknowledge when a connection is lost is said again over the next one, and what others said meanwhile
comes with it: nothing is lost and nothing comes twice.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

Message = dict[str, Any]

# The close codes after which nothing is won by coming back: ended, refused, no longer allowed, gone.
FINAL_CODES = (1000, 1008, 4401, 4403, 4404)


class Ended(Exception):
    """The session is over, or not for us; says why."""


@dataclass
class LiveClient:
    """A participant whose place in the session outlives its connections."""

    url: str
    token: str
    session_id: int
    since: int = 0
    _seq: int = 0
    _participant: int = 0
    _said: dict[int, str] = field(default_factory=dict)
    _unacknowledged: dict[int, Message] = field(default_factory=dict)
    _socket: ClientConnection | None = None
    _all_acknowledged: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, speaker: str, text: str, start: float, end: float) -> None:
        """Say something as soon as possible, and again over the next connection if need be."""
        self._seq += 1
        self._said[self._seq] = text
        message = {"type": "segment", "seq": self._seq, "speaker": speaker, "start": start, "end": end, "text": text}
        self._unacknowledged[self._seq] = message | {"final": True}
        self._all_acknowledged.clear()
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(json.dumps(self._unacknowledged[self._seq]))

    async def settled(self) -> None:
        """Return once all that was said is acknowledged, and therefore durable."""
        if self._unacknowledged:
            await self._all_acknowledged.wait()

    async def listen(self) -> AsyncIterator[Message]:
        """What others say, each final segment once and in order; raises Ended."""
        wait = 0.5
        while True:
            try:
                async with self._connect() as socket:
                    self._socket = socket
                    for message in list(self._unacknowledged.values()):
                        await socket.send(json.dumps(message))
                    while True:
                        for message in self._take(json.loads(await socket.recv())):
                            yield message
                        wait = 0.5
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code in FINAL_CODES:
                    raise Ended(closed.rcvd.reason) from None
            except (OSError, InvalidHandshake):
                pass
            finally:
                self._socket = None
            await asyncio.sleep(wait)
            wait = min(2 * wait, 10)

    def _connect(self) -> connect:
        return connect(
            f"{self.url.replace('http', 'ws', 1)}/api/sessions/{self.session_id}/live?since={self.since}",
            additional_headers={"Authorization": f"Bearer {self.token}"},
            max_size=None,
        )

    def _take(self, message: Message) -> list[Message]:
        """What of a message is news of others."""
        if message["type"] == "ack":
            self._unacknowledged.pop(message["seq"], None)
            if not self._unacknowledged:
                self._all_acknowledged.set()
            return []
        self._participant = message["participant"] if message["type"] == "state" else self._participant
        news = message["segments"] if message["type"] == "state" else [message]
        for each in news:
            self.since = max(self.since, each.get("position", 0))
        return [each for each in news if not self._is_own(each)]

    def _is_own(self, message: Message) -> bool:
        """Whether this client said it, over an earlier connection."""
        own = message.get("participant") == self._participant
        return own and message.get("text") == self._said.get(message.get("seq", 0))


async def speak(client: LiveClient, name: str) -> None:
    """Say each line of standard input, timed by when it comes."""
    began = time.monotonic()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    start = 0.0
    while read := await reader.readline():
        if not (line := read.decode().strip()):
            continue
        speaker, colon, text = line.partition(": ")
        end = time.monotonic() - began
        await client.say(speaker if colon else name, text if colon else line, start, end)
        start = end
    await client.settled()


async def show(client: LiveClient) -> None:
    """Print what others say, until the session ends."""
    try:
        async for message in client.listen():
            if message["type"] == "segment" and message["final"]:
                print(f"{message['position']:>5}  {message['speaker']}: {message['text']}", flush=True)
            elif message["type"] == "error":
                print(f"mina: {message['detail']}", file=sys.stderr)
    except Ended as end:
        print(f"mina: {end}", file=sys.stderr)


async def run(url: str, token: str, meeting: int | None, session: int | None, name: str) -> None:
    """Begin a session of a meeting and end it with the input, or take part in one."""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as http:
        if session is None:
            answer = await http.post("/api/sessions/", json={"meeting_id": meeting})
            answer.raise_for_status()
            session = int(answer.json()["id"])
            print(f"mina: session {session}: {url}/live?session={session}", file=sys.stderr)
        client = LiveClient(url, token, session)
        showing = asyncio.create_task(show(client))
        await speak(client, name)
        if meeting is not None:
            (await http.post(f"/api/sessions/{session}/end")).raise_for_status()
            await showing
        showing.cancel()


def main() -> None:
    """Read the command line."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--url", default=os.environ.get("MINA_URL", "http://127.0.0.1:8000"))
    arguments.add_argument("--token", default=os.environ.get("TOKEN"), required="TOKEN" not in os.environ)
    arguments.add_argument("--name", default="Ada", help="who says lines without a name")
    which = arguments.add_mutually_exclusive_group(required=True)
    which.add_argument("--meeting", type=int, help="begin a session of this meeting, and end it with the input")
    which.add_argument("--session", type=int, help="take part in this session")
    chosen = arguments.parse_args()
    asyncio.run(run(chosen.url, chosen.token, chosen.meeting, chosen.session, chosen.name))


if __name__ == "__main__":
    main()
