"""What the walks share: two tenants, the operations of the document, and an application in each of its modes."""

import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from tests.api import OPS_TOKEN, PASSWORD, a_client, a_settings, register, running
from tests.security.tenants.answers import marks_in
from tests.security.tenants.asking import as_one_did
from tests.security.tenants.contract import Operation, operations
from tests.security.tenants.walk import Walk, fill
from tests.security.tenants.world import World, note_what_is_kept, number_from_afar, settle

FRESH_ID = re.compile(r"(?<!\d)70\d{7}(?!\d)")


@dataclass
class Town:
    """An application and its two tenants; what is Ada's is marked by Quillwort, what is Bob's by Ramsons."""

    app: FastAPI
    clock: FakeClock
    operations: list[Operation]
    ada: World
    bob: World
    ops: httpx.AsyncClient
    repeated: list[str] = field(default_factory=list)

    async def walk(self, *names: str, is_cold: bool = False, asked_before: Iterable[str] = ()) -> Walk:
        """Bob's walk through these operations, or all; Ada's answers are all kept before it.

        What Bob has `asked_before` may be a hit for him.
        """
        chosen = [each for each in self.operations if not names or each.name in names]
        before = await fill(self.app, self.ada, chosen)
        await note_what_is_kept(self.ada, self.ops)
        walk = Walk(self.app, self.bob, self.ada, is_cold=is_cold, asked_before=asked_before)
        async with await self.sign_in(self.bob) as leaving:
            await walk.through(chosen, leaving)
        after = await fill(self.app, self.ada, chosen)
        walk.leaks += [
            f"GET {target} is another answer for who owns it" for target in before if before[target] != after[target]
        ]
        return walk

    async def repeat_adas_posts(self) -> list[str]:
        """Ada's POSTs with an Idempotency-Key, and Bob's of the same with the same keys: what he is told of hers."""
        leaks = []
        # Grace is nobody's alone: the document's example adds her to each one's workspace.
        grace = (await (await register(self.app, "grace@example.com")).get("/api/auth/me")).json()["id"]
        # A session of the meeting that each has ends with the last of them.
        posts = [each for each in self.operations if "idempotency-key" in each.header_names]
        for operation in sorted(posts, key=lambda each: each.name == "end_session"):
            self.repeated.append(operation.name)
            hers, his = [as_one_did(operation, each, f"key-of-{operation.name}") for each in (self.ada, self.bob)]
            first, again = await hers.send(self.ada.client), await hers.send(self.ada.client)
            answer = await his.send(self.bob.client)
            assert "idempotency-replayed" in again.headers, (operation.name, first.text, again.text)
            if answer.status_code != first.status_code or "idempotency-replayed" in answer.headers:
                leaks.append(f"{operation.name} is answered by {answer.status_code}: {answer.text}")
            if marks := marks_in(his, answer, {*self.ada.marks, *FRESH_ID.findall(first.text)} - {str(grace)}):
                leaks.append(f"{operation.name} shows {marks}")
        return leaks

    async def sign_in(self, who: World) -> httpx.AsyncClient:
        """Another sign-in of somebody's."""
        form = {"username": who.email, "password": PASSWORD}
        answer = await self.ops.post("/api/auth/token", data=form)
        return a_client(self.app, answer.json()["access_token"])


Build = Callable[..., AbstractAsyncContextManager[Town]]


@pytest.fixture
def build(database_url: str, valkey_url: str, clock: FakeClock) -> Build:
    """Builds a town, of an application with these settings of its cache."""

    @asynccontextmanager
    async def built(*, has_shortcuts: bool = True, **cache: Any) -> AsyncIterator[Town]:
        await number_from_afar(database_url)
        async with running(create_app(a_settings(database_url, valkey_url, **cache), clock=clock)) as app:
            if not has_shortcuts:
                app.state.shortcuts = None
            ada, bob = [await settle(app, clock, word) for word in ("Quillwort", "Ramsons")]
            async with a_client(app, OPS_TOKEN) as ops:
                found = list(operations((await ops.get("/openapi.json")).json()))
                yield Town(app, clock, found, ada, bob, ops)

    return built


@pytest.fixture
async def town(build: Build) -> AsyncIterator[Town]:
    """The town as it is served, memory and shortcuts and all."""
    async with build() as built:
        yield built
