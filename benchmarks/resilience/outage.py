"""An outage: readers of warmed pages without a pause, while Redis is stopped or killed and comes back."""

import asyncio
import gc
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from benchmarks.resilience.serving import PATIENCE_SECONDS, Service, serving
from benchmarks.resilience.timeline import Timeline
from benchmarks.resilience.variants import Variant
from benchmarks.serving import Stores
from mina_api.dev.valkey import PrivateValkey
from tests.system.history.connections import Connection, Lost

Signal = Literal["SIGSTOP", "SIGKILL"]
SIGNALS: tuple[Signal, ...] = get_args(Signal)
CONNECTIONS = 32
PAGES = 8
WORKERS = 1
# A usual query: what is loaded anew after Redis went shows Redis's absence, not the query.
LOAD_SECONDS = 0.01
# How long it is healthy before, and watched after, beside the length of the outage.
SHARE_AROUND = 1 / 3
SETTLING_SECONDS = 0.5
REFUSED_PAUSE_SECONDS = 0.05


@dataclass(slots=True)
class Outages:
    """The outages of one kind that a variant went through."""

    variant: Variant
    signal: Signal
    timelines: list[Timeline] = field(default_factory=list)

    def median(self, of: Callable[[Timeline], float]) -> float:
        """Of all rounds."""
        return statistics.median(map(of, self.timelines))

    @property
    def slowest_ms(self) -> float:
        """The slowest answer of all rounds."""
        return max(each.slowest_ms for each in self.timelines)

    @property
    def server_errors(self) -> int:
        """Answers of 500 and over in all rounds."""
        return sum(each.server_errors for each in self.timelines)

    @property
    def other_errors(self) -> int:
        """Other answers but 200, and connections that were lost, in all rounds."""
        return sum(each.other_errors for each in self.timelines)

    @property
    def recovery_seconds(self) -> float | None:
        """The longest of all rounds; None where one did not recover while it was watched."""
        taken = [each.recovery_seconds for each in self.timelines]
        seen = [each for each in taken if each is not None]
        return max(seen) if len(seen) == len(taken) else None


async def outages(
    stores: Stores, variants: Sequence[Variant], rounds: int, seconds: float, report: Callable[[str], None]
) -> list[Outages]:
    """Every variant through every kind of outage, by turns."""
    found = [Outages(variant, signal) for signal in SIGNALS for variant in variants]
    for number in range(rounds):
        for each in found:
            report(f"{each.signal}, round {number + 1} of {rounds}: {each.variant.name}")
            async with serving(stores, each.variant, WORKERS, LOAD_SECONDS) as service:
                await service.warm(*range(1, PAGES + 1))
                each.timelines.append(await outage(service, stores.valkey, each.signal, seconds))
    return found


async def outage(service: Service, valkey: PrivateValkey, signal: Signal, seconds: float) -> Timeline:
    """What readers see of a Redis that is away for so many seconds; afterwards it is back."""
    timeline, waiting = Timeline(), dict[int, float]()
    gc.collect()
    gc.disable()  # A pause of the reader's would be the server's.
    readers = [asyncio.create_task(_read(service, each, timeline, waiting)) for each in range(CONNECTIONS)]
    try:
        await asyncio.sleep(SETTLING_SECONDS)
        timeline.healthy_from = time.monotonic()
        await asyncio.sleep(seconds * SHARE_AROUND)
        timeline.lost_at = time.monotonic()
        valkey.pause() if signal == "SIGSTOP" else valkey.kill()
        try:
            await asyncio.sleep(seconds)
        finally:
            if signal == "SIGSTOP":
                valkey.resume()
            else:
                await asyncio.to_thread(valkey.start)
        timeline.returned_at = time.monotonic()
        await asyncio.sleep(seconds * SHARE_AROUND)
        return timeline.end(time.monotonic(), waiting.values())
    finally:
        gc.enable()
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


async def _read(service: Service, number: int, timeline: Timeline, waiting: dict[int, float]) -> None:
    requests = [service.request(page) for page in range(1, PAGES + 1)]
    chance, port = random.Random(number), service.servers[number % len(service.servers)].port
    connection: Connection | None = None
    while True:
        began = waiting[number] = time.monotonic()
        try:
            if connection is None:
                connection = await Connection.open(port, PATIENCE_SECONDS)
            _, answer = await connection.ask(chance.choice(requests), PATIENCE_SECONDS)
        except Lost:
            connection = None
            timeline.note(began, time.monotonic(), None)
            await asyncio.sleep(REFUSED_PAUSE_SECONDS)
        else:
            timeline.note(began, answer.ended, answer.status)
