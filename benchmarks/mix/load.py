"""The load: connections, each with one request at a time, that take the plan's requests in turn.

Without a pause, or at a rate: then each request is due at its time, and what it waits for a connection counts too.
"""

import asyncio
import itertools
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.mix.plan import Ask
from tests.system.history.connections import Answer, Connection

QUERIES = re.compile(rb'desc="(\d+) quer')
PATIENCE_SECONDS = 60.0
# The event loop's timers are of whole milliseconds: several times what a hit takes.
TIMER_SECONDS = 0.001


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
    port: int,
    tokens: Sequence[str],
    plan: Iterator[Ask],
    *,
    connections: int,
    warm_up_seconds: float,
    seconds: float,
    rate: float | None = None,
) -> Run:
    """What the plan's requests took, once the warm-up was over; raises SystemExit for one that is refused.

    `rate` is how many a second are due; without it, each connection asks anew as soon as it was answered.
    """
    run = Run(seconds=seconds)
    begun = time.monotonic()
    counted_from = begun + warm_up_seconds
    until = counted_from + seconds
    numbers = itertools.count()
    # A page asks anew once it was answered: nobody asks twice at once for the same thing.
    waiting: defaultdict[tuple[int, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def work() -> None:
        connection = await Connection.open(port, PATIENCE_SECONDS)
        while time.monotonic() < until and (ask := next(plan, None)) is not None:
            due = await when_due(begun + next(numbers) / rate) if rate is not None else None
            async with waiting[ask.member, ask.path]:
                if not connection.is_open:
                    connection = await Connection.open(port, PATIENCE_SECONDS)
                began, answer = await connection.ask(_request(ask, tokens[ask.member]), PATIENCE_SECONDS)
            if answer.status not in (200, 201):
                raise SystemExit(f"{ask.method} {ask.path} is {answer.status}: {answer.body[:300]!r}")
            run.sent += 1
            # What is due within the time is counted, however late it is answered.
            since, last = (began, answer.ended) if due is None else (due, due)
            if counted_from <= since and last <= until:
                _count(run, ask, answer, answer.ended - since)
        connection.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(work())
    return run


async def when_due(at: float) -> float:
    """Since when a request that is due `at` that time has waited; returns then.

    What is late by no more than a timer may be is sent when it was meant to be: that is no waiting for an answer.
    """
    if (left := at - time.monotonic()) <= 0:
        return at
    await asyncio.sleep(left)
    return min(max(at, time.monotonic()), at + TIMER_SECONDS)


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
