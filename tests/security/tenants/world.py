"""A tenant with something of everything that the API keeps, each piece of it marked, to be known again anywhere."""

import asyncio
import io
import wave
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import jwt
from fastapi import FastAPI

from mina_api.cache.testing import FakeClock
from tests.api import PASSWORD, a_client, today

# Ids begin here: nine digits that nothing else in an answer has, and of one length for all that is asked for.
FIRST_ID = 700_000_001
NEVER_ID = 799_999_000
FINGERPRINTS = {"Quillwort": "5ca1ab1e0ddba11", "Ramsons": "ba5eba11deadbea"}


@dataclass
class World:
    """One tenant: its owner's client, the `values` that name what it has, and the `secrets` that are its alone."""

    word: str
    client: httpx.AsyncClient
    values: dict[str, list[str]] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    etags: set[str] = field(default_factory=set)
    refresh_token: str = ""

    @property
    def email(self) -> str:
        """The owner's address."""
        return f"{self.word.lower()}@example.com"

    @property
    def marks(self) -> set[str]:
        """What must be in no answer of anybody else's."""
        return {self.word.lower(), *(each.lower() for each in self.secrets | self.etags)}


async def number_from_afar(database_url: str) -> None:
    """Have every table count its ids from a number of its own that is told from all others at sight."""
    connection = await asyncpg.connect(database_url)
    try:
        names = [row["sequencename"] for row in await connection.fetch("SELECT sequencename FROM pg_sequences")]
        for index, name in enumerate(sorted(names)):
            await connection.execute(f'ALTER SEQUENCE "{name}" RESTART WITH {FIRST_ID + index * 1_000_000}')
    finally:
        await connection.close()


async def settle(app: FastAPI, clock: FakeClock, word: str) -> World:
    """A tenant whose every text has `word` in it."""
    account = {"email": f"{word.lower()}@example.com", "password": PASSWORD, "name": f"{word} Owner"}
    async with a_client(app) as nobody:
        answer = await nobody.post("/api/auth/register", json={**account, "workspace": f"{word} Ltd"})
    assert answer.status_code == 201, answer.text
    pair = answer.json()
    world = World(word, a_client(app, pair["access_token"]), refresh_token=pair["refresh_token"])
    world.secrets |= {pair["access_token"], pair["refresh_token"]}
    sign_in = jwt.decode(pair["access_token"], options={"verify_signature": False})["sid"]
    me = (await world.client.get("/api/auth/me")).json()
    meeting = await _meeting(world, today(clock))
    live = await _live_session(world)
    key = (await _made(world, "/api/auth/api-keys", name=f"{word} key", scope="write", expires_in_days=9))["id"]
    ids = {"user_id": me["id"], "workspace_id": me["workspace"]["id"], "api_key_id": key, **meeting, **live}
    world.secrets |= {str(each) for each in (*ids.values(), sign_in)}
    world.values = {
        **{name: [str(each)] for name, each in ids.items()},
        "fingerprint": [FINGERPRINTS[word]],
        "label": [f"{word} Speaker"],
        "q": [word, " ".join([word] * (200 // (len(word) + 1)))],
        "match": [word, f"*user:{ids['user_id']}*"],
        "username": [world.email],
    }
    return world


async def _meeting(world: World, moment: str) -> dict[str, int]:
    word = world.word
    meeting = await _made(
        world,
        "/api/meetings/",
        title=f"{word} plan",
        description=f"{word} described",
        status="completed",
        tags=[word.lower()],
        scheduled_at=moment,
        participants=[{"name": f"{word} Guest", "email": f"guest@{word.lower()}.example.com"}],
    )
    path = f"/api/meetings/{meeting['id']}"
    task = await _made(world, f"{path}/tasks/", title=f"{word} task", assignee=f"{word} Owner", due_on="2026-11-25")
    told = f"WEBVTT\n\n00:00:01.000 --> 00:00:21.500\n<v {word} Speaker>{f'{word} ' * len(word)}was said?\n"
    answer = await world.client.put(f"{path}/transcript", content=told, headers={"Content-Type": "text/vtt"})
    assert answer.status_code == 200, answer.text
    return {"meeting_id": meeting["id"], "task_id": task["id"]}


async def _live_session(world: World) -> dict[str, int]:
    word = world.word
    meeting = (await _made(world, "/api/meetings/", title=f"{word} live"))["id"]
    session = (await _made(world, "/api/sessions/", meeting_id=meeting))["id"]
    profiles = [{"label": f"{word} Speaker", "name": f"{word} Voice", "email": f"voice@{word.lower()}.example.com"}]
    path = f"/api/sessions/{session}"
    answers = [
        await world.client.put(f"{path}/speakers", json={"speakers": profiles}),
        await world.client.put(
            f"{path}/fingerprints/{FINGERPRINTS[word]}", json={"transcription": {"text": f"{word} heard"}}
        ),
        await world.client.post(f"{path}/fingerprints", content=_sound(), headers={"Content-Type": "audio/wav"}),
    ]
    assert [each.status_code for each in answers] == [200] * 3, [each.text for each in answers]
    return {"session_id": session}


async def _made(world: World, path: str, **fields: Any) -> dict[str, Any]:
    answer = await world.client.post(path, json=fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    if "key" in made:
        world.secrets.add(made["key"])
    return made


def _sound() -> bytes:
    """A second of silence, as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(16_000)
        written.writeframes(bytes(32_000))
    return file.getvalue()


async def note_what_is_kept(world: World, ops: httpx.AsyncClient) -> None:
    """Note the tenant's keys in the cache, their tags, and the tags' tokens."""
    mine = f":user:{world.values['user_id'][0]}"
    listed = (await ops.get("/ops/cache/keys", params={"limit": 500})).json()["items"]
    keys = [each["key"] for each in listed if mine in each["key"]]
    looked = [(await ops.get(f"/ops/cache/keys/{_quoted(key)}")).json() for key in keys]
    tags = {each["tag"]: each["token"] for found in looked for each in found["tags"]}
    own = {tag: token for tag, token in tags.items() if not tag.startswith("prefix:")}
    world.values |= {"key": sorted(keys), "tag": sorted(own)}
    world.secrets |= set(own.values())


def _quoted(key: str) -> str:
    return httpx.QueryParams({"": key}).__str__()[1:].replace("+", "%20")


async def until_true(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once `condition` holds."""
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110  (each time it asks anew)
            await asyncio.sleep(0)
