"""A run: workers under load and faults, then the verdict on its history."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.system.history.checker import Verdict, check
from tests.system.history.faults import KINDS
from tests.system.history.fleet import SERVE, Fleet, fleet
from tests.system.history.history import History
from tests.system.history.nemesis import Nemesis
from tests.system.history.questions import workspaces
from tests.system.history.reading import Asker, Book, read_on
from tests.system.history.servers import DEADLINE_SECONDS
from tests.system.history.writing import Lengths, Writer

SETTLING_SECONDS = 2.0
PROGRESS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how much, and what goes wrong: nothing where the pause between two faults of a lane is 0.

    Readers are so many of each worker, and never pause; all writers together write once in about `reads_per_write`
    reads. `program` is the module that serves, and its arguments; `environment` is added to its own. With
    `until_violated` the run ends as soon as there is a violation.
    """

    seconds: float
    seed: int
    pause_between_faults_seconds: float = 1.0
    kinds: Sequence[str] = tuple(KINDS)
    workers: int = 2
    workspaces: int = 3
    meetings: int = 3
    readers: int = 3
    reads_per_write: int = 150
    until_violated: bool = False
    program: Sequence[str] = tuple(SERVE)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """A history and what it came to; `seconds` is how long readers read."""

    history: History
    verdict: Verdict
    seconds: float


async def run(plan: Plan, directory: Path, postgres_url: str) -> Result:
    """Do it, on a database that is migrated and empty, with logs in `directory`."""
    spaces = workspaces(plan.workspaces, plan.meetings)
    async with fleet(directory, postgres_url, plan.workers, spaces, plan.program, plan.environment) as made:
        book = Book(spaces)
        began = time.monotonic()
        async with _load(plan, made, book):
            await _endure(plan, made, book.history)
        if not plan.until_violated:
            await _recover(made, book)
        return Result(book.history, check(book.history), time.monotonic() - began)


@asynccontextmanager
async def _load(plan: Plan, made: Fleet, book: Book) -> AsyncIterator[None]:
    """Writers and readers, for the length of the block; each has chances of its own, from the seed."""
    chance = random.Random(plan.seed)
    writers = [
        Writer(made, book, meeting, lengths, space.authorization, random.Random(chance.random()))
        for space in made.spaces
        for lengths in [(Lengths(book.history.sent, space), Lengths(book.history.acknowledged, space))]
        for meeting in space.meetings
    ]
    askers = [
        Asker(book, worker, random.Random(chance.random())) for worker in made.workers for _ in range(plan.readers)
    ]
    await asyncio.gather(*(writer.begin() for writer in writers))
    work = [writer.write_on(plan.reads_per_write * len(writers)) for writer in writers] + [
        read_on(asker, book, random.Random(chance.random())) for asker in askers
    ]
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        for each in writers:
            await each.close()
        for asker in askers:
            asker.close()
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def _endure(plan: Plan, made: Fleet, history: History) -> None:
    """Faults, as long as the plan says, and a quiet time after the last."""
    raging = asyncio.create_task(_rage(plan, made, history))
    try:
        if plan.until_violated:
            async with asyncio.timeout(plan.seconds):
                while check(history).is_clean:  # noqa: ASYNC110  (what it waits for is in other processes)
                    await asyncio.sleep(PROGRESS_SECONDS)
        else:
            await raging
            await asyncio.sleep(SETTLING_SECONDS)
    except TimeoutError:
        pass
    finally:
        raging.cancel()
        await asyncio.gather(raging, return_exceptions=True)


async def _rage(plan: Plan, made: Fleet, history: History) -> None:
    if plan.pause_between_faults_seconds:
        nemesis = Nemesis(made, history, plan.seed, plan.kinds, plan.pause_between_faults_seconds)
        await nemesis.rage(plan.seconds)
    else:
        await asyncio.sleep(plan.seconds)


async def _recover(made: Fleet, book: Book) -> None:
    """Ask every worker everything, until the cache of each answers again."""
    for worker in made.workers:
        asker = Asker(book, worker, random.Random(0))
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                before = _hits(book.history, worker.number)
                while _hits(book.history, worker.number) == before:
                    for question in range(len(book.questions)):
                        await asker.ask(question)
        except TimeoutError:
            raise AssertionError(f"worker {worker.number} answers nothing from its cache again") from None
        finally:
            asker.close()


def _hits(history: History, worker: int) -> int:
    """How many answers of one worker came from its cache."""
    hits = {number for number, name in enumerate(history.outcome_names) if name.startswith("hit")}
    return sum(
        each == worker and outcome in hits for each, outcome in zip(history.workers, history.outcomes, strict=True)
    )
