"""Several workers on one Postgres: every listener gets every final segment once, in one order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.dev.valkey import PrivateValkey
from mina_api.sessions.permissions import Participant as Somebody
from mina_api.sessions.rooms import Cursor, Listener, Room
from mina_api.sessions.rooms.room import Draft, Final
from tests.api import a_settings, register, running
from tests.sessions.sockets import Message, Participant, a_session, eventually, joined, listening, token_of


@dataclass
class Workers:
    """Two applications that share their servers, and Ada's session in them."""

    apps: list[FastAPI]
    addresses: list[str]
    ada: httpx.AsyncClient
    session: int

    def joined(self, worker: int, query: str = "?since=0") -> AbstractAsyncContextManager[Participant]:
        """A connection to one of them."""
        return joined(self.addresses[worker], self.session, token_of(self.ada), query)


async def two_workers(stack: AsyncExitStack, database_url: str, redis_url: str, clock: FakeClock) -> Workers:
    """Both, started."""
    apps, addresses = [], []
    for _ in range(2):
        app = create_app(a_settings(database_url, redis_url), clock=clock)
        apps.append(await stack.enter_async_context(running(app)))
        addresses.append(await stack.enter_async_context(listening(app)))
    ada = await stack.enter_async_context(await register(apps[0], "ada@example.com"))
    return Workers(apps, addresses, ada, await a_session(ada))


@pytest.fixture
async def stack(database_url: str) -> AsyncIterator[AsyncExitStack]:
    """What a test opens; closed after it, and before its database goes."""
    async with AsyncExitStack() as opened:
        yield opened


def positions(messages: list[Message]) -> list[int]:
    """Where final segments stand, as they came: in a state, or one by one."""
    found: list[int] = []
    for message in messages:
        parts = message["segments"] if message["type"] == "state" else [message]
        found += [each["position"] for each in parts if each["type"] == "segment" and each["final"]]
    return found


async def listen_to(participant: Participant, last: int) -> list[int]:
    """The positions that a listener gets until the last."""
    while not (found := positions(participant.received)) or found[-1] < last:
        await participant.next("segment")
    return found


class TestTwoWorkers:
    async def test_tell_all_listeners_the_same_order_whoever_speaks_where(
        self, stack: AsyncExitStack, database_url: str, valkey_url: str, clock: FakeClock
    ) -> None:
        workers = await two_workers(stack, database_url, valkey_url, clock)
        speakers = [await stack.enter_async_context(workers.joined(number % 2)) for number in range(4)]
        listeners = [await stack.enter_async_context(workers.joined(number % 2)) for number in range(4)]
        for each in listeners:
            await each.next("state")

        async def speak(number: int) -> None:
            for seq in range(1, 51):
                await speakers[number].say(seq, f"{number}-{seq}")
                if seq % 10 == number:
                    await speakers[number].next("ack")

        await asyncio.gather(*(speak(number) for number in range(4)), *(listen_to(each, 200) for each in listeners))

        heard = [[each["text"] for each in one.received if each["type"] == "segment"] for one in listeners]
        assert [positions(each.received) for each in listeners] == [list(range(1, 201))] * 4
        assert all(each == heard[0] for each in heard)
        for number in range(4):
            own = [text for text in heard[0] if text.startswith(f"{number}-")]
            assert own == [f"{number}-{seq}" for seq in range(1, 51)]

    @pytest.mark.parametrize(
        "garbage", [b"\xff", b"{", b"[[[9, 9, 9, 9]], []]", b"[" * 10_000], ids=["bytes", "json", "shape", "deep"]
    )
    async def test_lose_nothing_to_what_others_publish(
        self, stack: AsyncExitStack, database_url: str, valkey_url: str, clock: FakeClock, garbage: bytes
    ) -> None:
        workers = await two_workers(stack, database_url, valkey_url, clock)
        speaker = await stack.enter_async_context(workers.joined(0))
        listener = await stack.enter_async_context(workers.joined(1))
        await listener.next("state")

        async with Redis.from_url(valkey_url) as redis:
            for seq in range(1, 6):
                await redis.publish(f"mina:live:{workers.session}", garbage)
                await speaker.say(seq)

        assert await listen_to(listener, 5) == [1, 2, 3, 4, 5]

    async def test_lose_nothing_over_a_reconnect_to_the_other(
        self, stack: AsyncExitStack, database_url: str, valkey_url: str, clock: FakeClock
    ) -> None:
        workers = await two_workers(stack, database_url, valkey_url, clock)
        speaker = await stack.enter_async_context(workers.joined(0))

        async def speak() -> None:
            for seq in range(1, 61):
                await speaker.say(seq)
                await speaker.next("ack")

        async def listen() -> list[int]:
            found: list[int] = []
            while len(found) < 60:
                since = found[-1] if found else 0
                async with workers.joined(len(found) % 2, f"?since={since}") as listener:
                    found += positions([await listener.next("state")])
                    for _ in range(min(17, 60 - len(found))):
                        found.append((await listener.next("segment"))["position"])
            return found

        _, found = await asyncio.gather(speak(), listen())

        assert found == list(range(1, 61))

    async def test_lose_nothing_while_redis_goes_and_comes(
        self, private_valkey: PrivateValkey, stack: AsyncExitStack, database_url: str, clock: FakeClock
    ) -> None:
        workers = await two_workers(stack, database_url, private_valkey.url, clock)
        speakers = [await stack.enter_async_context(workers.joined(number)) for number in range(2)]
        listeners = [await stack.enter_async_context(workers.joined(number)) for number in range(2)]
        for each in listeners:
            await each.next("state")

        async def speak(number: int, first: int) -> None:
            for seq in range(first, first + 20):
                await speakers[number].say(seq, f"{number}-{seq}")
                await speakers[number].next("ack")

        async def speak_both(first: int) -> None:
            await asyncio.gather(*(speak(number, first) for number in range(2)))

        await speak_both(1)
        stopping = asyncio.to_thread(private_valkey.stop)
        await asyncio.gather(stopping, speak_both(101))
        await speak_both(201)
        await asyncio.gather(asyncio.to_thread(private_valkey.start), speak_both(301))
        await eventually(lambda: all(app.state.live.rooms._wakeups.is_hearing for app in workers.apps))
        await speak_both(401)

        assert [await listen_to(each, 200) for each in listeners] == [list(range(1, 201))] * 2

    async def test_show_drafts_and_names_to_each_other_without_redis(
        self, stack: AsyncExitStack, database_url: str, clock: FakeClock
    ) -> None:
        workers = await two_workers(stack, database_url, "", clock)
        speaker = await stack.enter_async_context(workers.joined(0))
        listener = await stack.enter_async_context(workers.joined(1))
        await listener.next("state")

        await speaker.say(1, "Shall", final=False)
        draft = await listener.next("segment")
        await speaker.send(type="speaker", label="Ada", name="Ada Lovelace")
        named = await listener.next("speaker")
        await speaker.say(1, "x" * 15_000)
        final = await listener.next("segment")

        assert (draft["text"], draft["final"], "position" in draft) == ("Shall", False, False)
        assert named == {"type": "speaker", "label": "Ada", "name": "Ada Lovelace"}
        assert (len(final["text"]), final["position"]) == (15_000, 1)

    async def test_find_what_nobody_told(
        self, stack: AsyncExitStack, database_url: str, valkey_url: str, clock: FakeClock
    ) -> None:
        workers = await two_workers(stack, database_url, valkey_url, clock)
        listener = await stack.enter_async_context(workers.joined(1))
        await listener.next("state")
        connection = await asyncpg.connect(database_url)
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO live_segments (session_id, position, user_id, connection_id, seq, speaker, start_ms,"
                " end_ms, text) SELECT $1, n, 1, 1, n, 'Ada', 0, 1, 'x' FROM generate_series(1, 1500) n",
                workers.session,
            )
            await connection.execute("UPDATE live_sessions SET position = 1500 WHERE id = $1", workers.session)
        await connection.close()

        assert await listen_to(listener, 1500) == list(range(1, 1501))


ANYBODY = Somebody(user_id=1, workspace_id=1, sign_in_id=1, api_key_id=None)


def a_final(position: int, connection_id: int = 1) -> Final:
    return Final(position, connection_id, position, f"final {position}")


def a_draft(revision: int, seq: int = 1) -> Draft:
    return Draft(revision, 1, seq, f"draft {revision}")


class TestRoom:
    """Pure: what is offered, in whatever order, and what a listener is told."""

    def told(self, listener: Listener) -> list[str]:
        return list(listener._queue)

    def a_listener(self, connection_id: int = 99, most_messages: int = 100) -> Listener:
        return Listener(connection_id, ANYBODY, most_messages=most_messages, most_bytes=10_000)

    def test_tells_what_comes_early_when_what_is_missing_has_come(self) -> None:
        room, listener = Room(1), self.a_listener()
        assert room.admit(listener, Cursor(3, 0, 0))

        room.offer([a_final(6), a_final(4)], [])
        has_gap = room.has_gap
        room.offer([a_final(5), a_final(4), a_final(3)], [])

        assert self.told(listener) == ["final 4", "final 5", "final 6"]
        assert (has_gap, room.has_gap) == (True, False)

    def test_tells_who_knows_more_only_what_is_new_and_the_sender_nothing_of_its_own(self) -> None:
        room, early, late, sender = Room(1), self.a_listener(1), self.a_listener(2), self.a_listener(3)
        room.admit(early, Cursor(0, 0, 0))
        room.admit(late, Cursor(2, 0, 0))
        room.admit(sender, Cursor(0, 0, 0))

        room.offer([a_final(position, 3) for position in (1, 2, 3)], [])

        assert (self.told(early), self.told(late), self.told(sender)) == (
            ["final 1", "final 2", "final 3"],
            ["final 3"],
            [],
        )

    def test_admits_nobody_who_would_miss_what_was_told_before(self) -> None:
        room, listener = Room(1), self.a_listener()
        room.admit(self.a_listener(1), Cursor(0, 0, 0))
        room.offer([a_final(1)], [a_draft(7, seq=9)])

        assert not room.admit(listener, Cursor(0, 7, 0))
        assert not room.admit(listener, Cursor(1, 6, 0))
        assert room.admit(listener, Cursor(1, 7, 0))

    def test_keeps_what_comes_before_the_first_listener_knows_where_they_stand(self) -> None:
        room, listener = Room(1), self.a_listener()

        room.offer([a_final(1), a_final(2)], [])
        room.admit(listener, Cursor(1, 0, 0))

        assert self.told(listener) == ["final 2"]

    def test_shows_no_draft_that_is_older_than_the_last_or_than_the_final(self) -> None:
        room, listener = Room(1), self.a_listener()
        room.admit(listener, Cursor(0, 0, 0))

        room.offer([], [a_draft(2), a_draft(1), a_draft(2)])
        room.offer([a_final(1)], [])
        room.offer([], [a_draft(3)])

        assert self.told(listener) == ["draft 2", "final 1"]

    def test_closes_who_reads_too_slowly(self) -> None:
        room, listener = Room(1), self.a_listener(1, most_messages=2)
        room.admit(listener, Cursor(0, 0, 0))

        room.offer([a_final(position, 2) for position in range(1, 5)], [])

        assert listener.closing is not None
        assert (listener.closing.code, len(self.told(listener))) == (1013, 2)
