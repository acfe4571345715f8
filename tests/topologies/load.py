"""Readers and writers of meetings over several workers: what they saw while something happened to the servers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI

from mina_api.app import create_app
from tests.api import a_client, a_meeting, a_settings, register, running
from tests.topologies.waiting import until

READERS = 4


class Load:
    """What was seen: a read is stale if it shows less than the last write acknowledged before it began."""

    def __init__(self, apps: list[FastAPI], clients: list[httpx.AsyncClient], meetings: list[int]) -> None:
        self.apps = apps
        self.clients = clients
        self.meetings = meetings
        self.outcomes: Counter[str] = Counter()
        self.reads = 0
        self.writes = 0
        self.wrong: list[str] = []
        self.is_over = False
        self._acknowledged = dict.fromkeys(meetings, 0)
        self._versions = dict.fromkeys(meetings, 0)

    async def read_for_ever(self, reader: int) -> None:
        """One reader, who goes from worker to worker and from meeting to meeting."""
        turn = reader
        while not self.is_over:
            turn += 1
            client = self.clients[turn % len(self.clients)]
            await self._read(client, self.meetings[turn % len(self.meetings)])
            await asyncio.sleep(0.002)

    async def write_for_ever(self, meeting: int) -> None:
        """The one writer of a meeting, so that its versions only grow."""
        turn = meeting
        while not self.is_over:
            turn += 1
            await self._write(self.clients[turn % len(self.clients)], meeting)
            await asyncio.sleep(0.2)

    async def some_more(self, reads: int = 40, writes: int = 6) -> None:
        """Returns once so many more of each were answered."""
        wanted = (self.reads + reads, self.writes + writes)

        async def seen() -> bool:
            return self.reads >= wanted[0] and self.writes >= wanted[1]

        await until(seen, f"{reads} more reads and {writes} more writes")

    @property
    def epochs(self) -> set[str | None]:
        """Those that the workers are in; None is without Redis."""
        return {app.state.cache.epoch for app in self.apps}

    async def until_in_an_epoch_but(self, *before: str | None) -> None:
        """Returns once every worker uses Redis, and all are in one epoch that is none of those."""

        async def is_used() -> bool:
            return len(self.epochs) == 1 and self.epochs.isdisjoint({None, *before})

        await until(is_used, "every worker uses Redis")

    async def until_kept(self) -> None:
        """Returns once every worker has answered from its cache."""
        for client in self.clients:

            async def is_hit(client: httpx.AsyncClient = client) -> bool:
                answer = await client.get(f"/api/meetings/{self.meetings[0]}")
                return answer.headers["cache-status"].startswith("mina; hit")

            await until(is_hit, "a hit")

    async def _read(self, client: httpx.AsyncClient, meeting: int) -> None:
        known = self._acknowledged[meeting]
        answer = await client.get(f"/api/meetings/{meeting}")
        self.reads += 1
        if answer.status_code != 200:
            self.wrong.append(f"a read: {answer.status_code} {answer.text}")
            return
        status = answer.headers["cache-status"]
        self.outcomes[status.partition("detail=")[2] or status.split(";")[1].strip()] += 1
        if (seen := int(answer.json()["title"])) < known:
            self.wrong.append(f"a stale read: {seen} after {known} of meeting {meeting}, {status}")

    async def _write(self, client: httpx.AsyncClient, meeting: int) -> None:
        version = self._versions[meeting] = self._versions[meeting] + 1
        answer = await client.patch(f"/api/meetings/{meeting}", json={"title": str(version)})
        self.writes += 1
        if answer.status_code != 200:
            self.wrong.append(f"a write: {answer.status_code} {answer.text}")
            return
        self._acknowledged[meeting] = version


@asynccontextmanager
async def under_load(
    database_url: str, redis_url: str, *, workers: int = 2, meetings: int = 4, timeout_seconds: float = 1.0
) -> AsyncIterator[Load]:
    """Workers over one database and one Redis, read and written for the length of the block."""
    async with AsyncExitStack() as stack:
        settings = a_settings(database_url, redis_url, redis_timeout_seconds=timeout_seconds, memory_lease_seconds=1.0)
        apps = [await stack.enter_async_context(running(create_app(settings))) for _ in range(workers)]
        ada = await stack.enter_async_context(await register(apps[0], "ada@example.com"))
        token = ada.headers["authorization"].split()[1]
        clients = [await stack.enter_async_context(a_client(app, token)) for app in apps]
        made = [await a_meeting(ada, title="0") for _ in range(meetings)]
        load = Load(apps, clients, made)
        await load.until_in_an_epoch_but()
        tasks = [asyncio.create_task(load.read_for_ever(number)) for number in range(READERS)]
        tasks += [asyncio.create_task(load.write_for_ever(meeting)) for meeting in made]
        try:
            yield load
        finally:
            # A cancelled request is an error to nobody but its client: each ends its last one.
            load.is_over = True
            await asyncio.gather(*tasks)
