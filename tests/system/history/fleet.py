"""Everything that a run works with: workers, their servers, and workspaces that were signed up over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.api import PASSWORD
from tests.system.history.connections import Answer, Connection
from tests.system.history.questions import Workspace
from tests.system.history.servers import DEADLINE_SECONDS, Valkey, Worker

SERVE = ["mina_api.cli", "serve"]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Workers that serve the same workspaces; `database` is a way to Postgres past every proxy."""

    workers: list[Worker]
    valkey: Valkey
    database: "asyncpg.Pool[asyncpg.Record]"
    spaces: list[Workspace]


def request(method: str, path: str, authorization: str = "", body: Any = None, **headers: str) -> bytes:
    """An HTTP/1.1 request with a JSON body, or none."""
    content = b"" if body is None else json.dumps(body).encode()
    fields = {"Host": "mina.test", **headers}
    if authorization:
        fields["Authorization"] = authorization
    if body is not None:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


@asynccontextmanager
async def fleet(
    directory: Path,
    postgres_url: str,
    workers: int,
    spaces: list[Workspace],
    program: Sequence[str],
    environment: Mapping[str, str],
) -> AsyncIterator[Fleet]:
    """Started workers over the database of `postgres_url`, which is migrated and empty; all of it gone afterwards."""
    async with AsyncExitStack() as stack:
        valkey = Valkey(directory / "valkey")
        valkey.start()
        stack.callback(valkey.kill)
        database = await stack.enter_async_context(asyncpg.create_pool(postgres_url, min_size=1, max_size=4))
        made = [Worker(number, directory, program, postgres_url, valkey, environment) for number in range(workers)]
        for worker in made:
            stack.push_async_callback(worker.close)
        await asyncio.gather(*(worker.start() for worker in made))
        connection = await Connection.open(made[0].port, DEADLINE_SECONDS)
        for number, space in enumerate(spaces):
            await _sign_up(connection, number, space)
        connection.close()
        yield Fleet(made, valkey, database, spaces)


async def _sign_up(connection: Connection, number: int, space: Workspace) -> None:
    """A user with a workspace, and its meetings without a version yet."""
    account = {"email": f"user{number}@example.com", "password": PASSWORD, "name": f"User {number}"}
    _, answer = await connection.ask(request("POST", "/api/auth/register", body=account), DEADLINE_SECONDS)
    space.authorization = f"Bearer {_body(answer, 201)['access_token']}"
    for meeting in space.meetings:
        create = request("POST", "/api/meetings/", space.authorization, {"title": meeting.title(0)})
        _, answer = await connection.ask(create, DEADLINE_SECONDS)
        meeting.id = int(_body(answer, 201)["id"])


def _body(answer: Answer, status: int) -> Mapping[str, Any]:
    assert answer.status == status, (answer.status, answer.body)
    body: Mapping[str, Any] = json.loads(answer.body)
    return body
