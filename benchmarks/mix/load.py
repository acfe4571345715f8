"""The load: connections, each with one request at a time and no pause, that take the plan's requests in turn."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.mix.plan import Ask
from tests.system.history.connections import Answer, Connection

QUERIES = re.compile(rb'desc="(\d+) quer')
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Taken:
    """What requests of one kind took: seconds and queries, each with whether the cache answered."""

    hits: list[float] = field(default_factory=list)
    misses: list[float] = field(default_factory=list)
    queries: int = 0

    @property
    def seconds(self) -> list[float]:
        """Of every request."""
        return self.hits + self.misses

    def add(self, other: "Taken") -> None:
        """Count what another run took too."""
        self.hits += other.hits
        self.misses += other.misses
        self.queries += other.queries


@dataclass(slots=True)
class Run:
    """One run of the load: what was taken by kind, in so many seconds; all that was `sent`, the warm-up too."""

    taken: dict[str, Taken] = field(default_factory=dict)
    seconds: float = 0.0
    sent: int = 0

    @property
    def requests(self) -> int:
        """Those that are counted."""
        return sum(len(each.seconds) for each in self.taken.values())


async def load(
    port: int, tokens: Sequence[str], plan: Iterator[Ask], *, connections: int, warm_up_seconds: float, seconds: float
) -> Run:
    """What the plan's requests took, once the warm-up was over; raises SystemExit for one that is refused."""
    run = Run(seconds=seconds)
    counted_from = time.monotonic() + warm_up_seconds
    until = counted_from + seconds
    # A page asks anew once it was answered: nobody asks twice at once for the same thing.
    waiting: defaultdict[tuple[int, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def work() -> None:
        connection = await Connection.open(port, PATIENCE_SECONDS)
        while time.monotonic() < until:
            ask = next(plan)
            async with waiting[ask.member, ask.path]:
                if not connection.is_open:
                    connection = await Connection.open(port, PATIENCE_SECONDS)
                began, answer = await connection.ask(_request(ask, tokens[ask.member]), PATIENCE_SECONDS)
            if answer.status not in (200, 201):
                raise SystemExit(f"{ask.method} {ask.path} is {answer.status}: {answer.body[:300]!r}")
            run.sent += 1
            if counted_from <= began and answer.ended <= until:
                _count(run, ask, answer, answer.ended - began)
        connection.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(work())
    return run


def _count(run: Run, ask: Ask, answer: Answer, seconds: float) -> None:
    taken = run.taken.setdefault(ask.what, Taken())
    is_hit = answer.header(b"cache-status").startswith(b"mina; hit")
    (taken.hits if is_hit else taken.misses).append(seconds)
    if found := QUERIES.search(answer.header(b"server-timing")):
        taken.queries += int(found[1])


def _request(ask: Ask, token: str) -> bytes:
    lines = [f"{ask.method} {ask.path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {token}"]
    if ask.is_write:
        lines += ["Content-Type: application/json", f"Content-Length: {len(ask.body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + ask.body
