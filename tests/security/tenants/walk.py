"""The walk: one tenant asks for everything that is another's, by every operation, and says what came of it."""

from collections.abc import Collection, Iterable, Sequence

import httpx
from fastapi import FastAPI

from mina_api.cache.config import PREFIXES
from mina_api.cache.tags import prefix_tag
from tests.security.tenants.answers import is_hit, marks_in, seen
from tests.security.tenants.asking import (
    Pair,
    Request,
    own_reads,
    pairs,
    with_nothing_of_theirs,
    with_their_versions,
)
from tests.security.tenants.contract import Operation
from tests.security.tenants.world import World, until_true

# So often is each answer of one's own asked for: from the database, then from where it was put, then the short way.
TIMES = 3


class Walk:
    """`me` walks through what is `theirs`; `leaks` says what was found. Nothing is stored before a cold request."""

    def __init__(self, app: FastAPI, me: World, theirs: World, *, is_cold: bool, asked_before: Iterable[str]) -> None:
        self._app = app
        self._me = me
        self._them = theirs
        self._is_cold = is_cold
        self._asked = set(asked_before)
        self.requests = 0
        self.leaks: list[str] = []

    async def through(self, operations: Sequence[Operation], leaving: httpx.AsyncClient) -> None:
        """Walk through every operation; `leaving` is a sign-in of one's own that may be ended.

        Those of operators come first: they show one's own keys, and what one asks for later is in those.
        """
        for operation in sorted(operations, key=lambda each: not each.path.startswith("/ops")):
            client = leaving if operation.name == "logout" else self._me.client
            await self._read_own(operation, client)
            for request in with_nothing_of_theirs(operation):
                await self._look_at(operation, request, await self._send(request, client))
            for pair in pairs(operation, self._me, self._them):
                await self._compare(pair, client)
            if not self._is_cold:
                for pair in with_their_versions(operation, self._me, self._them):
                    await self._compare(pair, client)

    async def _read_own(self, operation: Operation, client: httpx.AsyncClient) -> None:
        for request in own_reads(operation, self._me):
            for _ in range(TIMES):
                await self._look_at(operation, request, await self._send(request, client))

    async def _compare(self, pair: Pair, client: httpx.AsyncClient) -> None:
        answers = []
        await self._prepare()
        for request in (pair.real, pair.unreal):
            answers.append(await self._send(request, client))
            await self._look_at(pair.operation, request, answers[-1])
        one, other = seen(pair.real, answers[0]), seen(pair.unreal, answers[1])
        if one != other:
            self.leaks.append(f"{_told(pair.operation, pair.real)} is told from what never was: {one} / {other}")

    async def _look_at(self, operation: Operation, request: Request, answer: httpx.Response) -> None:
        if marks := marks_in(request, answer, self._them.marks):
            self.leaks.append(f"{_told(operation, request)} shows {marks}")
        if is_hit(answer) and request.target not in self._asked:
            self.leaks.append(f"{_told(operation, request)} is a hit of what only they asked for")
        if answer.status_code >= 500:
            self.leaks.append(f"{_told(operation, request)} fails: {answer.status_code} {answer.text}")
        self._asked.add(request.target)

    async def _prepare(self) -> None:
        """Who asks is known before each of a pair, so that neither has to look that up."""
        if not self._is_cold:
            await self._me.client.get("/api/auth/me")
            self._asked.add("/api/auth/me")

    async def _send(self, request: Request, client: httpx.AsyncClient) -> httpx.Response:
        if self._is_cold:
            await self._app.state.cache.invalidate_tags(*map(prefix_tag, PREFIXES))
        self.requests += 1
        return await request.send(client)


def _told(operation: Operation, request: Request) -> str:
    return f"{operation.name}: {request.method} {request.target} {sorted(request.headers)}"


async def fill(app: FastAPI, world: World, operations: Collection[Operation]) -> dict[str, bytes]:
    """Have a tenant's every answer in every place that keeps answers, and note their ETags; the answers."""
    answers = {}
    for operation in operations:
        if "if-none-match" not in operation.header_names:
            continue
        for request in own_reads(operation, world):
            answer = await request.send(world.client)
            assert answer.status_code == 200, (request, answer.text)
            world.etags.add(answer.headers["etag"])
            answers[request.target] = answer.content
            await _make_a_habit(app, world, request)
    return answers


async def _make_a_habit(app: FastAPI, world: World, request: Request) -> None:
    """Ask until a shortcut answers, where there are shortcuts; else until it is a hit."""
    shortcuts = app.state.shortcuts

    async def is_kept() -> bool:
        before = shortcuts.answered if shortcuts is not None else 0
        answer = await request.send(world.client)
        return shortcuts.answered > before if shortcuts is not None else is_hit(answer)

    await until_true(is_kept)
