"""Live sessions under load: `make bench-live`.

500 listeners in 50 rooms, spread over two workers of `mina serve`, a Postgres that syncs to disk and a Valkey; one
sender in each room, 1,000 segments a second in all. How long it takes from sending a segment until every listener
has it, and whether what was sent is what is stored and what each listener got, in order.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
from rich.console import Console

from benchmarks.live_servers import Serving, everything_served
from benchmarks.websocket import WebSocket

RESULTS = Path(__file__).parent / "results" / "live.md"
WAITS, WAIT_SECONDS = 300, 0.1


@dataclass
class Room:
    """One session: its sender, its listeners, and what each of them got."""

    session_id: int
    sent: int = 0
    acknowledged: int = 0
    sent_at: dict[int, float] = field(default_factory=dict)
    ack_ms: list[float] = field(default_factory=list)
    delivery_ms: list[float] = field(default_factory=list)
    positions: list[list[int]] = field(default_factory=list)

    def take_ack(self, text: str) -> None:
        """What comes to the sender."""
        message = json.loads(text)
        if message["type"] == "ack":
            self.acknowledged += 1
            self.ack_ms.append((time.perf_counter() - self.sent_at[message["seq"]]) * 1000)

    def listener(self) -> "Listener":
        """A new listener's end."""
        self.positions.append([])
        return Listener(self, self.positions[-1])

    @property
    def is_whole(self) -> bool:
        """Whether everybody has everything."""
        return self.acknowledged == self.sent and all(len(each) == self.sent for each in self.positions)


class Listener:
    """Notes the positions that come, and how long each was under way."""

    def __init__(self, room: Room, positions: list[int]) -> None:
        self._room = room
        self._positions = positions

    def take(self, text: str) -> None:
        """What comes to a listener."""
        message = json.loads(text)
        if message["type"] == "segment":
            self._positions.append(message["position"])
            self._room.delivery_ms.append((time.perf_counter() - self._room.sent_at[message["seq"]]) * 1000)


async def send(room: Room, socket: WebSocket, per_second: float, seconds: float, chance: random.Random) -> None:
    """Say something `per_second` times, at times that do not fall together with the other rooms'."""
    begin = time.perf_counter() + chance.random() / per_second
    for seq in range(1, round(per_second * seconds) + 1):
        await asyncio.sleep(max(0.0, begin + seq / per_second - time.perf_counter()))
        said = {"type": "segment", "seq": seq, "speaker": f"S{seq % 4}", "start": seq, "end": seq + 0.9, "final": True}
        room.sent_at[seq] = time.perf_counter()
        room.sent += 1
        socket.send(json.dumps({**said, "text": "So what we would like to know is whether that is what was said."}))


async def run(serving: Serving, rooms: list[Room], listeners: int, rate: float, seconds: float) -> dict[str, float]:
    """Connect everybody, send, and wait until all of it has come; the seconds of CPU that it took from the first on."""
    chance = random.Random(1)

    async def join(room: Room, listener: Listener | None) -> WebSocket:
        path = f"/api/sessions/{room.session_id}/live"
        take = listener.take if listener else room.take_ack
        return await WebSocket.connect("127.0.0.1", serving.port, path, serving.token, take)

    senders = [await join(room, None) for room in rooms]
    others = [await join(room, room.listener()) for room in rooms for _ in range(listeners // len(rooms))]
    await asyncio.sleep(1)
    per_room = rate / len(rooms)
    with serving.cpu_seconds() as taken:
        await asyncio.gather(
            *(send(room, socket, per_room, seconds, chance) for room, socket in zip(rooms, senders, strict=True))
        )
        for _ in range(WAITS):
            if all(room.is_whole for room in rooms):
                break
            await asyncio.sleep(WAIT_SECONDS)
    for socket in (*senders, *others):
        socket.close()
    return taken


async def stored(database_url: str) -> int:
    """How many segments Postgres has."""
    connection = await asyncpg.connect(database_url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM live_segments"))
    finally:
        await connection.close()


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]


def a_session(client: httpx.Client, number: int) -> int:
    """A new session of a new meeting."""
    meeting = client.post("/api/meetings/", json={"title": f"Meeting {number}"}).json()["id"]
    return int(client.post("/api/sessions/", json={"meeting_id": meeting}).json()["id"])


def main() -> None:
    """Serve, load, count, report; exit code 1 where anything is lost."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rooms", type=int, default=50)
    arguments.add_argument("--listeners", type=int, default=500)
    arguments.add_argument("--rate", type=float, default=1000.0)
    arguments.add_argument("--seconds", type=float, default=30.0)
    arguments.add_argument("--workers", type=int, default=2)
    chosen = arguments.parse_args()
    console = Console()
    with everything_served(chosen.workers) as serving:
        rooms = [Room(a_session(serving.client, number)) for number in range(chosen.rooms)]
        with console.status("sending"):
            taken = asyncio.run(run(serving, rooms, chosen.listeners, chosen.rate, chosen.seconds))
        in_postgres = asyncio.run(stored(serving.database_url))
    report(chosen, rooms, in_postgres, taken, console)


def report(
    chosen: argparse.Namespace, rooms: list[Room], in_postgres: int, taken: dict[str, float], console: Console
) -> None:
    """The figures, printed and kept."""
    sent = sum(room.sent for room in rooms)
    in_order = all(each == list(range(1, room.sent + 1)) for room in rooms for each in room.positions)
    delivered = sum(len(each) for room in rooms for each in room.positions)
    deliveries = [each for room in rooms for each in room.delivery_ms]
    acks = [each for room in rooms for each in room.ack_ms]
    expected = sum(room.sent * len(room.positions) for room in rooms)
    lines = [
        f"# Live: {chosen.listeners} listeners in {chosen.rooms} rooms, {chosen.rate:.0f} segments a second for"
        f" {chosen.seconds:.0f} s, {chosen.workers} workers, {os.cpu_count()} cores,"
        f" Python {platform.python_version()}",
        "",
        "| | |",
        "|---|---|",
        f"| sent, acknowledged, stored | {sent}, {sum(room.acknowledged for room in rooms)}, {in_postgres} |",
        f"| delivered, of what should be, each once and in order | {delivered}, {expected}, {in_order} |",
        f"| delivery ms p50 / p99 / max | {_three(deliveries)} |",
        f"| acknowledgement ms p50 / p99 / max | {_three(acks)} |",
        *(f"| CPU of {name}, of one core | {used / chosen.seconds:.2f} |" for name, used in taken.items()),
    ]
    console.print("\n".join(lines))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join([*lines, ""]))
    raise SystemExit(0 if in_order and sent == in_postgres == sum(room.acknowledged for room in rooms) else 1)


def _three(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{percentile(values, 0.5):.1f} / {percentile(values, 0.99):.1f} / {max(values):.1f}"


if __name__ == "__main__":
    main()
