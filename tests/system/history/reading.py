"""Readers: each asks one worker one question after another, by chance, and notes what the answers showed."""

import asyncio
import re
import time
from collections.abc import Sequence
from random import Random

from tests.system.history.connections import Answer, Connection, Lost
from tests.system.history.fleet import request
from tests.system.history.history import Failure, History
from tests.system.history.questions import Versions, Workspace, names, questions
from tests.system.history.servers import Worker

PATIENCE_SECONDS = 20.0
RETRY_SECONDS = 0.2
CONDITIONAL = 0.25
RELOAD = 0.02

TTL = re.compile(rb"; ttl=-?\d+")


class Book:
    """The questions, ready to be sent, and the record of what came of them."""

    def __init__(self, spaces: Sequence[Workspace]) -> None:
        self.questions = questions(spaces)
        self.history = History([question.shape for question in self.questions], names(spaces))
        self.requests = [
            request("GET", question.path, question.workspace.authorization)[: -len(b"\r\n")]
            for question in self.questions
        ]
        self._outcomes: dict[bytes, str] = {}

    def outcome(self, cache_status: bytes) -> str:
        """How the cache answered, in its own words but for the time that is left."""
        found = self._outcomes.get(cache_status)
        if found is None:
            found = TTL.sub(b"", cache_status).removeprefix(b"mina; ").decode()
            self._outcomes[cache_status] = found
        return found


class Asker:
    """A client of one worker that asks one thing at a time, over one connection after another."""

    def __init__(self, book: Book, worker: Worker, chance: Random) -> None:
        self.worker = worker
        self._book = book
        self._chance = chance
        self._connection: Connection | None = None
        self._known: dict[int, tuple[bytes, Versions]] = {}

    async def ask(self, question: int) -> None:
        """Ask, and note the answer or the failure."""
        book, number = self._book, self.worker.number
        head, known = book.requests[question], None
        dice = self._chance.random()
        if dice < CONDITIONAL and (known := self._known.get(question)) is not None:
            head += b"If-None-Match: " + known[0] + b"\r\n"
        elif dice > 1 - RELOAD:
            head += b"Cache-Control: no-cache\r\n"
        began = time.monotonic()
        try:
            if self._connection is None or not self._connection.is_open:
                self.close()
                self._connection = await Connection.open(self.worker.port, PATIENCE_SECONDS)
            began, answer = await self._connection.ask(head + b"\r\n", PATIENCE_SECONDS)
        except Lost as failure:
            self._connection = None
            self._fail(began, question, str(failure))
            await asyncio.sleep(RETRY_SECONDS)
            return
        versions = self._versions(question, answer, known)
        if versions is None:
            self._fail(began, question, str(answer.status))
            return
        outcome = book.outcome(answer.header(b"cache-status"))
        book.history.read(began, answer.ended, question, number, outcome, versions)

    def _versions(self, question: int, answer: Answer, known: tuple[bytes, Versions] | None) -> Versions | None:
        """What the answer shows, or what one who sent its entity tag was told that it still shows."""
        if answer.status == 304 and known is not None:
            return known[1]
        if answer.status != 200:
            return None
        versions = self._book.questions[question].versions(answer.body)
        self._known[question] = (answer.header(b"etag"), versions)
        return versions

    def _fail(self, began: float, question: int, reason: str) -> None:
        ended = time.monotonic()
        endpoint = self._book.questions[question].endpoint
        self._book.history.failures.append(Failure(began, ended, self.worker.number, endpoint, reason))

    def close(self) -> None:
        """Close its connection."""
        if self._connection is not None:
            self._connection.close()


async def read_on(asker: Asker, book: Book, chance: Random) -> None:
    """Ask for ever."""
    count = len(book.questions)
    while True:
        await asker.ask(int(chance.random() * count))
