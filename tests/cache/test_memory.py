"""L1 by itself: what it gives, and what it must not take."""

import asyncio

import pytest

from mina_api.cache.coherence import Coherence
from mina_api.cache.entry import Entry
from mina_api.cache.memory import AT_ONCE, REMEMBERED, Memory
from mina_api.cache.standing import Standing
from mina_api.cache.testing import FakeClock


def an_entry(body: bytes = b"body", tags: tuple[str, ...] = ("meeting:1", "user:1")) -> Entry:
    return Entry(
        key="k",
        body=body,
        status=200,
        headers=(),
        created=0.0,
        fresh_until=60.0,
        stale_until=60.0,
        load_seconds=0.1,
        epoch=b"",
        tags=tags,
        tokens=tuple(b"t" for _ in tags),
        compressed=False,
        size=len(body),
    )


@pytest.fixture
def memory(clock: FakeClock) -> Memory:
    memory = Memory(1_000_000, clock.monotonic)
    memory.extend(clock.monotonic() + 10)
    return memory


class TestMemory:
    def test_gives_what_was_put_until_its_lease_ends(self, memory: Memory, clock: FakeClock) -> None:
        entry = an_entry()

        assert memory.put("k", entry, memory.fence())
        assert memory.get("k") is entry
        clock.advance(10)
        assert (memory.get("k"), memory.is_valid) == (None, False)
        memory.extend(clock.monotonic() + 10)
        assert memory.get("k") is entry

    def test_takes_nothing_without_a_lease(self, clock: FakeClock) -> None:
        memory = Memory(1_000_000, clock.monotonic)

        assert not memory.put("k", an_entry(), memory.fence())
        assert len(memory) == 0

    @pytest.mark.parametrize("tag", ["meeting:1", "user:1"])
    def test_forgets_by_any_tag(self, memory: Memory, tag: str) -> None:
        memory.put("k", an_entry(), memory.fence())
        memory.put("other", an_entry(tags=("meeting:2",)), memory.fence())

        memory.forget([tag])

        assert memory.get("k") is None
        assert memory.get("other") is not None

    def test_forgets_by_name(self, memory: Memory) -> None:
        memory.put("k", an_entry(), memory.fence())

        memory.forget([], ["k"])

        assert memory.get("k") is None

    def test_takes_nothing_that_was_fetched_before_its_tag_was_forgotten(self, memory: Memory) -> None:
        before = memory.fence()
        memory.forget(["meeting:1"])
        between = memory.fence()
        memory.forget(["meeting:9"])

        assert not memory.put("k", an_entry(), before)
        assert memory.put("k", an_entry(), between)

    def test_takes_nothing_that_was_fetched_before_its_name_was_forgotten(self, memory: Memory) -> None:
        before = memory.fence()
        memory.forget([], ["k"])

        assert not memory.put("k", an_entry(), before)
        assert memory.put("other", an_entry(), before)

    def test_takes_nothing_that_was_fetched_before_it_was_cleared(self, memory: Memory, clock: FakeClock) -> None:
        memory.put("old", an_entry(), memory.fence())
        before = memory.fence()
        memory.clear()
        memory.extend(clock.monotonic() + 10)

        assert not memory.put("k", an_entry(), before)
        assert (memory.get("old"), memory.used_bytes) == (None, 0)

    def test_takes_nothing_from_before_what_it_remembers(self, memory: Memory) -> None:
        before = memory.fence()
        for number in range(REMEMBERED + 1):
            memory.forget([f"meeting:{number + 100}"])

        assert not memory.put("k", an_entry(), before)

    def test_makes_room_and_keeps_no_list_of_what_went(self, clock: FakeClock) -> None:
        memory = Memory(100_000, clock.monotonic)
        memory.extend(clock.monotonic() + 10)

        for number in range(500):
            memory.put(f"{number}", an_entry(b"x" * 1000, tags=(f"meeting:{number}",)), memory.fence())

        assert memory.used_bytes <= 100_000
        assert 0 < len(memory) == 500 - memory.evictions
        for number in range(500):
            memory.forget([f"meeting:{number}"])
        assert (len(memory), memory.used_bytes) == (0, 0)

    def test_replaces_an_entry_with_its_tags(self, memory: Memory) -> None:
        memory.put("k", an_entry(tags=("meeting:1",)), memory.fence())
        memory.put("k", an_entry(tags=("meeting:2",)), memory.fence())

        memory.forget(["meeting:1"])

        assert memory.get("k") is not None

    def test_keeps_nothing_that_is_too_large(self, memory: Memory) -> None:
        assert not memory.put("k", an_entry(b"x" * 1_000_000), memory.fence())
        memory.forget(["meeting:1"])
        assert len(memory) == 0


class TestMany:
    """Entries under one tag, more than are taken out in one turn."""

    MANY = 5 * AT_ONCE

    def filled(self, clock: FakeClock) -> Memory:
        memory = Memory(100_000_000, clock.monotonic)
        memory.extend(clock.monotonic() + 10)
        for number in range(self.MANY):
            memory.put(f"k{number}", an_entry(tags=("all", f"one:{number}")), memory.fence())
        return memory

    async def test_are_forgotten_at_once_and_taken_out_by_and_by(self, clock: FakeClock) -> None:
        memory = self.filled(clock)

        memory.forget(["all"])

        assert len(memory) == self.MANY - AT_ONCE
        assert not any(memory.get(f"k{number}") for number in range(self.MANY))
        turns = 0
        while len(memory):
            turns += 1
            await asyncio.sleep(0)
        assert turns == self.MANY / AT_ONCE - 1
        assert memory.used_bytes == 0

    async def test_are_served_again_once_they_are_put_again(self, clock: FakeClock) -> None:
        memory = self.filled(clock)
        memory.forget(["all"])
        memory.forget(["all", "one:7"])
        for number in range(self.MANY):
            assert memory.put(f"k{number}", an_entry(tags=("all",)), memory.fence())
        for _ in range(10):
            await asyncio.sleep(0)

        assert all(memory.get(f"k{number}") for number in range(self.MANY))
        memory.forget(["one:9"])
        assert memory.get("k9")
        memory.forget(["all"])
        assert not any(memory.get(f"k{number}") for number in range(self.MANY))

    async def test_stay_forgotten_where_nothing_but_bounded_ones_are_cleared(self, clock: FakeClock) -> None:
        memory = self.filled(clock)
        memory.put("bounded", an_entry(tags=("all",)), memory.fence(), bounded=True)
        memory.forget(["all"])

        memory.clear()
        memory.extend(clock.monotonic() + 10)

        assert memory.get("bounded") is None

    def test_are_taken_out_at_once_where_no_loop_runs(self, clock: FakeClock) -> None:
        memory = self.filled(clock)

        memory.forget(["all"])

        assert len(memory) == 0


class TestBounded:
    def test_is_served_without_a_lease_for_as_long_as_one_would_have_lasted(self, clock: FakeClock) -> None:
        memory = Memory(1_000_000, clock.monotonic, bound_seconds=2, wants_lease=False)

        assert memory.put("k", an_entry(), memory.fence(), bounded=True)
        assert not memory.wants_lease
        clock.advance(1.9)
        assert memory.get("k") is not None
        clock.advance(0.1)
        assert memory.get("k") is None

    def test_outlives_what_may_have_been_missed_but_not_what_was_heard(self, clock: FakeClock) -> None:
        memory = Memory(1_000_000, clock.monotonic, bound_seconds=2)
        memory.extend(clock.monotonic() + 10)
        memory.put("strict", an_entry(), memory.fence())
        memory.put("bounded", an_entry(), memory.fence(), bounded=True)

        memory.clear()
        assert (memory.get("strict"), memory.get("bounded") is not None) == (None, True)
        memory.forget(["meeting:1"])
        assert memory.get("bounded") is None

    def test_the_first_answer_that_is_strict_asks_for_a_lease(self, clock: FakeClock) -> None:
        memory = Memory(1_000_000, clock.monotonic, bound_seconds=2, wants_lease=False)

        assert not memory.put("k", an_entry(), memory.fence())
        assert memory.wants_lease


class TestHeld:
    def test_takes_nothing_under_a_tag_that_a_peer_holds(self, clock: FakeClock) -> None:
        standing = Standing(clock.monotonic)
        memory = Memory(1_000_000, clock.monotonic, standing)
        memory.extend(clock.monotonic() + 10)
        standing.hold("writer", ["meeting:1"])

        assert not memory.put("k", an_entry(), memory.fence())
        assert memory.put("other", an_entry(tags=("meeting:2",)), memory.fence())
        standing.drop("writer")
        assert memory.put("k", an_entry(), memory.fence())

    def test_serves_nothing_once_the_peers_lease_has_ended(self, memory: Memory, clock: FakeClock) -> None:
        standing = Standing(clock.monotonic)
        memory = Memory(1_000_000, clock.monotonic, standing)
        memory.extend(clock.monotonic() + 10)
        standing.until = clock.monotonic() + 5
        memory.put("k", an_entry(), memory.fence())

        clock.advance(5)

        assert (memory.get("k"), memory.is_valid, standing.forbids(["any"])) == (None, False, True)

    def test_takes_nothing_that_was_read_while_a_tag_was_held(self, memory: Memory, clock: FakeClock) -> None:
        standing = Standing(clock.monotonic)
        memory = Memory(1_000_000, clock.monotonic, standing)
        memory.extend(clock.monotonic() + 10)
        coherence = Coherence(memory, standing)
        coherence.hold("writer", ["meeting:1"])
        fence = memory.fence()

        coherence.drop("writer")

        assert not memory.put("k", an_entry(), fence)
        assert memory.put("k", an_entry(), memory.fence())
