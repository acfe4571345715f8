"""The load: one writer a meeting that writes increasing versions, readers of one meeting or of all; a history of it."""

import asyncio
import random
import re
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from benchmarks.serving import Server
from tests.system.history.connections import Connection
from tests.system.history.history import History, Shape, WriteSpan

READERS = 12
LEAST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 0.05, 0.15
PATIENCE_SECONDS = 30.0
VERSION = re.compile(rb'"version":\s*(\d+)')


async def history_of(servers: Sequence[Server], meetings: int, seconds: float, seed: int) -> History:
    """What was read and written in so many seconds."""
    chance = random.Random(seed)
    shapes = [*(Shape("one", (meeting,)) for meeting in range(meetings)), Shape("all", tuple(range(meetings)))]
    history = History(shapes, [f"meeting {meeting}" for meeting in range(meetings)])
    work: list[Coroutine[Any, Any, None]] = [
        *(_write(history, servers, meeting, random.Random(chance.random())) for meeting in range(meetings)),
        *(_read(history, servers, each % len(servers), random.Random(chance.random())) for each in range(READERS)),
    ]
    tasks = [asyncio.create_task(each) for each in work]
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
    return history


async def _write(history: History, servers: Sequence[Server], meeting: int, chance: random.Random) -> None:
    connections = [await Connection.open(server.port, PATIENCE_SECONDS) for server in servers]
    version = 0
    while True:
        await asyncio.sleep(chance.uniform(LEAST_PAUSE_SECONDS, MOST_PAUSE_SECONDS))
        version += 1
        worker = chance.randrange(len(servers))
        path = f"/versioned/{meeting + 1}/{version}"
        history.sent.add(time.monotonic(), meeting, version)
        began, answer = await connections[worker].ask(
            f"PUT {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n".encode(), PATIENCE_SECONDS
        )
        assert answer.status == 200, answer.body
        history.acknowledged.add(answer.ended, meeting, version)
        history.writes.append(WriteSpan(began, answer.ended, worker, "version", 200))


async def _read(history: History, servers: Sequence[Server], worker: int, chance: random.Random) -> None:
    connection = await Connection.open(servers[worker].port, PATIENCE_SECONDS)
    while True:
        question = chance.randrange(len(history.shapes))
        path = "/versioned" if len(history.shapes[question].registers) > 1 else f"/versioned/{question + 1}"
        began, answer = await connection.ask(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode(), PATIENCE_SECONDS)
        assert answer.status == 200, answer.body
        versions = [int(version) for version in VERSION.findall(answer.body)]
        history.read(began, answer.ended, question, worker, "read", versions)
