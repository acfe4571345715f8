"""Wakeups by Redis: whatever is published there, what is ours is heard."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from redis.asyncio import BlockingConnectionPool, Redis

from mina_api.sessions.rooms.wire import unpack
from mina_api.sessions.wakeups.redis import PREFIX, RedisWakeups
from tests.cache.services import until

# More than a reply may have, and less than has the server itself end the connection.
GIANT = f"return redis.call('PUBLISH', KEYS[1], string.rep('x', {24 * 1024 * 1024}))"


@dataclass
class Ear:
    """What was heard."""

    heard_of: list[tuple[str, str]] = field(default_factory=list)
    times_missed: int = 0

    def heard(self, channel: str, payload: str) -> None:
        """Note it."""
        self.heard_of.append((channel, payload))

    def missed(self) -> None:
        """Count it."""
        self.times_missed += 1


@pytest.fixture
async def ear() -> Ear:
    return Ear()


@pytest.fixture
async def wakeups(valkey_url: str, ear: Ear) -> AsyncIterator[RedisWakeups]:
    pool = BlockingConnectionPool.from_url(valkey_url)
    started = RedisWakeups(pool, timeout_seconds=5.0)
    await started.start(ear)
    yield started
    await started.close()
    await pool.aclose()


class TestRedisWakeups:
    async def test_are_heard_before_anybody_is_there(self, wakeups: RedisWakeups) -> None:
        await until(lambda: wakeups.is_hearing)

    async def test_what_is_no_text_ends_nothing(self, wakeups: RedisWakeups, ear: Ear, valkey_url: str) -> None:
        wakeups.subscribe("7")
        await until(lambda: wakeups.is_hearing)

        async with Redis.from_url(valkey_url) as redis:
            await until(lambda: redis.publish(f"{PREFIX}7", b"\xff\xfe"))
            await wakeups.publish("7", "news")
            await until(lambda: ("7", "news") in ear.heard_of)

        assert wakeups.is_hearing

    async def test_what_is_larger_than_memory_is_missed_and_the_next_is_heard(
        self, wakeups: RedisWakeups, ear: Ear, valkey_url: str
    ) -> None:
        wakeups.subscribe("7")
        await until(lambda: wakeups.is_hearing)
        missed = ear.times_missed

        async with Redis.from_url(valkey_url) as redis:
            await until(lambda: redis.eval(GIANT, 1, f"{PREFIX}7"))
            await until(lambda: ear.times_missed > missed and wakeups.is_hearing)
            await wakeups.publish("7", "news")
            await until(lambda: ("7", "news") in ear.heard_of)

        assert all(len(payload) < 100 for _, payload in ear.heard_of)


GARBAGE = [
    "", "{", "null", "[]", "[1, 2]", "[[], []", '[[[1, 2, 3]], []]', '[[["1", 2, 3, "x"]], []]', '[[[1, 2, 3, 4]], []]',
    '[[[-1, 2, 3, "x"]], []]', f'[[[{2**70}, 2, 3, "x"]], []]', '[[[1.5, 2, 3, "x"]], []]', "[" * 100_000, "\ufffd",
]  # fmt: skip


class TestUnpack:
    @pytest.mark.parametrize("payload", GARBAGE, ids=lambda payload: payload[:30])
    def test_takes_nothing_that_is_never_packed(self, payload: str) -> None:
        with pytest.raises(ValueError):
            unpack(payload)

    def test_gives_what_was_packed(self) -> None:
        finals, drafts = unpack(json.dumps([[[1, 2, 3, "final"]], [[4, 5, 6, "draft"]]]))

        assert [each.wire for each in finals] == ["final"]
        assert [each.wire for each in drafts] == ["draft"]
