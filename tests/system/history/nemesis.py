"""Who breaks things: on every lane one fault after another, their kinds, lengths and pauses from a seed."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence

from tests.system.history.faults import KINDS, Fault, Lane
from tests.system.history.fleet import Fleet
from tests.system.history.history import FaultSpan, History

# Without Postgres's word nothing is cached for a while, which shows nothing.
RARELY = 6
SHORTEST_SECONDS, LONGEST_SECONDS = 0.2, 4.0


def schedule(
    chance: random.Random, kinds: Sequence[str], worker: int | None, workers: int, pause_seconds: float
) -> Iterator[Fault]:
    """Faults of `kinds` for ever, each kind once before any comes twice; of `worker`, or of any."""
    while True:
        for kind in chance.sample(kinds, len(kinds)):
            yield Fault(
                kind,
                pause_seconds=chance.expovariate(1 / pause_seconds),
                seconds=SHORTEST_SECONDS * (LONGEST_SECONDS / SHORTEST_SECONDS) ** chance.random(),
                worker=chance.randrange(workers) if worker is None else worker,
                dice=chance.random(),
            )


class Nemesis:
    """Faults of all lanes at once, each lane on its own; every fault is made good before the next of its lane."""

    def __init__(self, fleet: Fleet, history: History, seed: int, kinds: Sequence[str], pause_seconds: float) -> None:
        self._fleet = fleet
        self._history = history
        self._seed = seed
        self._kinds = kinds
        self._pause_seconds = pause_seconds
        self._locks = [asyncio.Lock() for _ in fleet.workers]

    async def rage(self, seconds: float) -> None:
        """Break things for so long; then what is broken is made good."""
        end = time.monotonic() + seconds
        numbers = [worker.number for worker in self._fleet.workers]
        lanes = [(Lane.VALKEY, None), (Lane.POSTGRES, None), *((Lane.WORKER, number) for number in numbers)]
        async with asyncio.TaskGroup() as group:
            for place, (lane, worker) in enumerate(lanes):
                kinds = [kind for kind in self._kinds if KINDS[kind].lane is lane]
                if kinds:
                    chance = random.Random(self._seed * 1000 + place)
                    pause_seconds = self._pause_seconds * (RARELY if lane is Lane.POSTGRES else 1)
                    faults = schedule(chance, kinds, worker, len(numbers), pause_seconds)
                    group.create_task(self._do_all(faults, end))

    async def _do_all(self, faults: Iterator[Fault], end: float) -> None:
        for fault in faults:
            await asyncio.sleep(min(fault.pause_seconds, max(0.0, end - time.monotonic())))
            if time.monotonic() >= end:
                return
            if KINDS[fault.kind].is_of_worker:
                async with self._locks[fault.worker]:
                    await self._do(fault, fault.worker)
            else:
                await self._do(fault, None)

    async def _do(self, fault: Fault, worker: int | None) -> None:
        span = FaultSpan(fault.kind, worker, time.monotonic())
        self._history.faults.append(span)
        span.note = await KINDS[fault.kind].act(self._fleet, fault)
        span.ended = time.monotonic()
