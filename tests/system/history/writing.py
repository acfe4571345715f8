"""Writers: each alone raises the versions of one meeting, and asks at once whether everybody sees them.

Every write names the version before it by `If-Match`. So one whose answer was lost may still be done, but never after
the next one was: a version, once it is in the database, is never replaced by an older one.
"""

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import asyncpg

from tests.system.history.connections import Connection, Lost
from tests.system.history.fleet import Fleet, request
from tests.system.history.history import Marks, WriteSpan
from tests.system.history.questions import LENGTH, TITLE, VOICE, Meeting, Workspace
from tests.system.history.reading import Asker, Book
from tests.system.history.servers import DEADLINE_SECONDS

PATIENCE_SECONDS = 20.0
CHASE_SECONDS = 0.2
CHASED = 2
AT_ONCE = 0.25
LONGEST_PAUSE_SECONDS = 10.0
POLL_SECONDS = 0.03


@dataclass(frozen=True, slots=True)
class Write:
    """A request that shows a version in some of a meeting's registers."""

    what: str
    version: int
    registers: tuple[int, ...]
    content: bytes


class Lengths:
    """The sum of the highest lengths of a workspace, as its overview shows it."""

    def __init__(self, marks: Marks, space: Workspace) -> None:
        self._marks = marks
        self._total = space.total
        self._highest = {meeting.register(LENGTH): 0 for meeting in space.meetings}

    def add(self, time: float, registers: Iterable[int], version: int) -> None:
        """Note a version in all of `registers`, and the sum where it grows."""
        for register in registers:
            self._marks.add(time, register, version)
            if register in self._highest:
                self._highest[register] = version
                self._marks.add(time, self._total, sum(self._highest.values()))


class Writer:
    """The one who writes one meeting, through any worker."""

    def __init__(
        self,
        fleet: Fleet,
        book: Book,
        meeting: Meeting,
        lengths: tuple[Lengths, Lengths],
        authorization: str,
        chance: random.Random,
    ) -> None:
        self._fleet = fleet
        self._book = book
        self._meeting = meeting
        self._sent, self._acknowledged = lengths
        self._authorization = authorization
        self._chance = chance
        self._connections: dict[int, Connection] = {}
        self._askers = [Asker(book, worker, chance) for worker in fleet.workers]
        self._asking: dict[Asker, asyncio.Task[None]] = {}
        self._version = 0
        self._etag = ""
        self._voice: str | None = None
        self._showing = {
            register: [number for number, each in enumerate(book.questions) if register in each.registers]
            for register in (meeting.register(which) for which in (TITLE, VOICE, LENGTH))
        }

    async def begin(self) -> None:
        """Give every register its first version."""
        await self._learn_etag()
        for make in (self._title, self._transcript):
            assert await self._write(make()), "the first write of a meeting failed"

    async def write_on(self, reads: int) -> None:
        """Write for ever, after about so many reads of all readers, sometimes at once.

        Counted in reads, so that most of them can be hits, however fast the machine is.
        """
        while True:
            if self._chance.random() > AT_ONCE:
                await self._pause(len(self._book.history) + self._chance.expovariate(1 / reads))
            await self.write_once()

    async def _pause(self, reads: float) -> None:
        end = time.monotonic() + LONGEST_PAUSE_SECONDS
        while len(self._book.history) < reads and time.monotonic() < end:  # noqa: ASYNC110  (by all readers)
            await asyncio.sleep(POLL_SECONDS)

    async def write_once(self) -> None:
        """One write, with questions before it, so that every worker keeps answers, and the same ones after it."""
        choices = [self._title, self._transcript, *([self._renaming] if self._voice else [])]
        write = self._chance.choice(choices)()
        touched = sorted({each for register in write.registers for each in self._showing[register]})
        questions = self._chance.sample(touched, min(CHASED, len(touched)))
        if self._chance.random() < 0.5:
            await self._ask_all(questions)
        if await self._write(write):
            await self._ask_all(questions)

    async def close(self) -> None:
        """End what runs and close every connection."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        for connection in self._connections.values():
            connection.close()
        for asker in self._askers:
            asker.close()

    # Writes

    def _title(self) -> Write:
        self._version += 1
        content = self._request("PATCH", "", {"title": self._meeting.title(self._version)})
        return Write("title", self._version, (self._meeting.register(TITLE),), content)

    def _transcript(self) -> Write:
        self._version += 1
        segment = {"speaker": self._meeting.voice(self._version), "start": 0, "text": "so"}
        content = self._request("PUT", "/transcript", {"segments": [{**segment, "end": self._version / 1000}]})
        registers = (self._meeting.register(VOICE), self._meeting.register(LENGTH))
        return Write("transcript", self._version, registers, content)

    def _renaming(self) -> Write:
        self._version += 1
        content = self._request("PUT", f"/speakers/{self._voice}", {"name": self._meeting.voice(self._version)})
        return Write("speaker", self._version, (self._meeting.register(VOICE),), content)

    def _request(self, method: str, path: str, body: object) -> bytes:
        headers = {"If-Match": self._etag}
        return request(method, f"/api/meetings/{self._meeting.id}{path}", self._authorization, body, **headers)

    async def _write(self, write: Write) -> bool:
        """Send it to a worker; whether it was acknowledged."""
        worker = self._chance.choice(self._fleet.workers)
        sent = time.monotonic()
        self._sent.add(sent, write.registers, write.version)
        status, ended = 0, sent
        try:
            connection = self._connections.get(worker.number)
            if connection is None or not connection.is_open:
                if connection is not None:
                    connection.close()
                connection = self._connections[worker.number] = await Connection.open(worker.port, PATIENCE_SECONDS)
            sent, answer = await connection.ask(write.content, PATIENCE_SECONDS)
            status, ended = answer.status, answer.ended
        except Lost:
            self._connections.pop(worker.number, None)
            ended = time.monotonic()
        self._book.history.writes.append(WriteSpan(sent, ended, worker.number, write.what, status))
        if status != 200:
            await self._learn_etag()
            return False
        self._acknowledged.add(ended, write.registers, write.version)
        self._etag = answer.header(b"etag").decode()
        if write.what != "title":
            self._voice = self._meeting.voice(write.version)
        return True

    async def _learn_etag(self) -> None:
        """What the next write must name; who speaks is not known until a transcript is written."""
        self._voice = None
        await asyncio.sleep(0.1 * self._chance.random())
        version = await _version(self._fleet.database, self._meeting.id)
        self._etag = f'"m{self._meeting.id}.{version}"'

    async def _ask_all(self, questions: Sequence[int]) -> None:
        """Ask every worker that is not still to answer; those who take long are not waited for."""

        async def ask(asker: Asker) -> None:
            for question in questions:
                await asker.ask(question)

        free = [asker for asker in self._askers if asker not in self._asking or self._asking[asker].done()]
        self._asking |= {asker: asyncio.create_task(ask(asker)) for asker in free}
        if free:
            await asyncio.wait([self._asking[asker] for asker in free], timeout=CHASE_SECONDS)


async def _version(database: "asyncpg.Pool[asyncpg.Record]", meeting_id: int) -> int:
    async with asyncio.timeout(DEADLINE_SECONDS):
        return int(await database.fetchval("SELECT version FROM meetings WHERE id = $1", meeting_id))
