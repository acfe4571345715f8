"""The first tier: a process that serves from memory under a lease in Redis, and a writer that waits for it.

Time passes in ticks of Redis's clock, of which the process's own may miss one in each lease: that is what clocks of
about equal rate may do. What is said to the process comes over one connection, in order, at some time. A fetch may
begin whenever no tag is held, and finds what is committed (redis_tokens.py).
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from tests.model.explorer import Step
from tests.model.promise import wrong

NOTHING = -1
# In ticks. A register that was lost is complete LEASE after the first process has registered again.
LEASE = 2
MARGIN = 1
NEVER = LEASE + 1
PONG = 0


class Part(StrEnum):
    """What the protocol consists of; each can be left out."""

    WAITED_FOR = "a writer waits until the process has acknowledged, or its lease has run out"
    COUNTED_FROM_BEFORE = "a lease is counted from before its renewal was sent"
    MARGIN = "a lease is shorter for its process than in the register, by what clocks may differ"
    STARTED_BY_PONG = "a lease begins with an answer on the connection that is listened to"
    CLEARED_AFTER_LAPSE = "memory is cleared at the start of a lease before which none was running"
    CLEARED_AFTER_LOSS = "memory is cleared when the connection is lost"
    FENCED = "what was fetched before something was forgotten is not kept"
    UNKNOWN_WAITED_FOR = "a writer that finds the register lost waits for a whole lease"
    BROKEN_HOLD_ANNOUNCED = "a lift of a hold that was broken tells everybody again"


class Phase(StrEnum):
    """How far the writer is."""

    IDLE = "idle"
    HOLDS = "in phase 1"
    COMMITTED = "committed"
    LIFTED = "in phase 2"
    DEAD = "dead"


class Writer(NamedTuple):
    """`lease`, `unknown`: the ticks that it waits yet. `is_whole`: nobody broke its hold before its COMMIT."""

    phase: Phase = Phase.IDLE
    lease: int = 0
    unknown: int = 0
    is_whole: bool = True


class Renewal(NamedTuple):
    """A renewal on its way: the ticks that are left of it, whether the clock missed one, what Redis has had of it."""

    left: int
    is_slow: bool = False
    is_registered: bool = False
    is_pinged: bool = False


class Filling(NamedTuple):
    """What is being fetched; `is_outdated` where something was forgotten since that began."""

    version: int = NOTHING
    is_outdated: bool = False


class State(NamedTuple):
    """Postgres, Redis (`is_held` to `unknown`), the writer, the connection, and the process (`memory` to `filling`)."""

    committed: int = 0
    acknowledged: int = 0
    is_held: bool = False
    register: int = 0
    unknown: int = 0
    writer: Writer = Writer()
    is_connected: bool = True
    wire: tuple[int, ...] = ()
    memory: int = NOTHING
    lease: int = 0
    is_slow: bool = False
    renewal: Renewal | None = None
    filling: Filling | None = None
    faults: int = 0


class MemoryLeases:
    """The specification, whole or `without` one part."""

    parts = tuple(Part)

    def __init__(self, without: Part | None = None, *, faults: int = 1, writes: int = 1) -> None:
        self._has = {part: part is not without for part in Part}
        self._length = LEASE - MARGIN if self._has[Part.MARGIN] else LEASE
        self._faults, self._writes = faults, writes

    def start(self) -> State:
        """Nothing is written, nothing kept."""
        return State()

    def canonical(self, state: State) -> State:
        """What makes no difference any more is left out."""
        filling, lease = state.filling, state.lease
        if filling is not None and filling.is_outdated and self._has[Part.FENCED]:
            filling = None
        memory = state.memory if lease or not self._has[Part.CLEARED_AFTER_LAPSE] else NOTHING
        return state._replace(filling=filling, memory=memory, is_slow=state.is_slow and lease > 0)

    def serves(self, state: State) -> bool:
        """What is in memory is served, and current."""
        return state.lease > 0 and state.memory == state.committed

    def steps(self, state: State) -> Iterator[Step[State]]:
        """All that may happen."""
        if state.lease and state.memory != NOTHING and (why := _wrong(state, state.memory)):
            yield Step(f"the process serves version {state.memory} from memory", state, why)
        yield from self._fill(state)
        yield from self._renew(state)
        yield from self._write(state)
        yield from self._time(state)
        if state.wire:
            yield from self._hear(state._replace(wire=state.wire[1:]), state.wire[0])
        if not state.is_connected:
            lost = state if not self._has[Part.CLEARED_AFTER_LOSS] else _clear(state)
            yield Step(
                "the process finds its connection lost, makes another", lost._replace(is_connected=True, renewal=None)
            )
        if state.faults < self._faults:
            yield from self._break(state._replace(faults=state.faults + 1))

    # The process

    def _fill(self, state: State) -> Iterator[Step[State]]:
        filling = state.filling
        if filling is None:
            if not state.is_held:
                yield Step("the process begins to fetch", state._replace(filling=Filling()))
        elif filling.version == NOTHING:
            yield Step("the process fetches", state._replace(filling=filling._replace(version=state.committed)))
        else:
            is_kept = state.lease and not (filling.is_outdated and self._has[Part.FENCED])
            memory = filling.version if is_kept else state.memory
            yield Step("the process puts it in memory", state._replace(memory=memory, filling=None))

    def _renew(self, state: State) -> Iterator[Step[State]]:
        renewal = state.renewal
        if renewal is None:
            state = state._replace(renewal=Renewal(self._length))
            if not self._has[Part.CLEARED_AFTER_LAPSE] and not state.lease:
                state = _clear(state)
            yield Step("the process asks for a lease", state)
        elif not renewal.is_registered:
            registered = state._replace(
                register=LEASE,
                unknown=LEASE if state.unknown == NEVER else state.unknown,
                renewal=renewal._replace(is_registered=True),
            )
            if not self._has[Part.STARTED_BY_PONG]:
                registered = self._begin(registered)
            yield Step("Redis registers it", registered)
        elif not renewal.is_pinged and state.is_connected:
            pinged = state._replace(wire=(*state.wire, PONG), renewal=renewal._replace(is_pinged=True))
            yield Step("Redis answers its PING", pinged)

    def _hear(self, state: State, message: int) -> Iterator[Step[State]]:
        if message == PONG:
            yield Step("the process hears the answer, its lease begins", self._begin(state))
            return
        writer = state.writer
        if message == _announcement(state):
            writer = writer._replace(lease=0)
        yield Step("the process forgets, and acknowledges", _forget(state)._replace(writer=writer))

    def _begin(self, state: State) -> State:
        renewal = state.renewal
        assert renewal is not None
        left = renewal.left if self._has[Part.COUNTED_FROM_BEFORE] else self._length
        if not state.lease and self._has[Part.CLEARED_AFTER_LAPSE]:
            state = _clear(state)
        return state._replace(lease=left, is_slow=renewal.is_slow, renewal=None)

    # The writer

    def _write(self, state: State) -> Iterator[Step[State]]:
        writer = state.writer
        is_waiting = writer.lease or writer.unknown
        match writer.phase:
            case Phase.IDLE if state.committed < self._writes:
                held = state._replace(is_held=True, writer=Writer(Phase.HOLDS))
                yield Step("the writer holds", self._announce(held))
            case Phase.HOLDS if not is_waiting:
                committed = state._replace(committed=state.committed + 1, writer=writer._replace(phase=Phase.COMMITTED))
                yield Step("the writer: COMMIT", committed)
            case Phase.COMMITTED:
                lifted = state._replace(is_held=False, writer=writer._replace(phase=Phase.LIFTED))
                is_silent = state.is_held or not self._has[Part.BROKEN_HOLD_ANNOUNCED]
                yield Step("the writer lifts", lifted if is_silent else self._announce(lifted))
            case Phase.LIFTED if not is_waiting:
                yield Step("the write is acknowledged", state._replace(acknowledged=state.committed, writer=Writer()))
            case Phase.DEAD if state.is_held:
                yield Step("the dead writer's hold runs out", state._replace(is_held=False))

    def _announce(self, state: State) -> State:
        """As announce.lua: publishes where somebody may have a lease, and says how long that may be."""
        unknown = min(state.unknown, LEASE)
        if state.is_connected and (state.register or unknown):
            state = state._replace(wire=(*state.wire, _announcement(state)))
        if not self._has[Part.WAITED_FOR]:
            return state
        if not self._has[Part.UNKNOWN_WAITED_FOR]:
            unknown = 0
        return state._replace(writer=state.writer._replace(lease=state.register, unknown=unknown))

    # The rest

    def _time(self, state: State) -> Iterator[Step[State]]:
        writer, renewal = state.writer, state.renewal
        later = state._replace(
            writer=writer._replace(lease=_less(writer.lease), unknown=_less(writer.unknown)),
            register=_less(state.register),
            unknown=state.unknown if state.unknown == NEVER else _less(state.unknown),
        )
        yield Step(
            "a tick",
            later._replace(lease=_less(state.lease), renewal=renewal and renewal._replace(left=_less(renewal.left))),
        )
        if not ((state.lease and state.is_slow) or (renewal and renewal.is_slow)):
            slow = renewal and renewal._replace(is_slow=True)
            yield Step("a tick that the process's clock misses", later._replace(is_slow=True, renewal=slow))

    def _break(self, state: State) -> Iterator[Step[State]]:
        broken = state.writer._replace(is_whole=state.writer.is_whole and state.writer.phase is not Phase.HOLDS)
        lost = state._replace(register=0, unknown=NEVER)
        yield Step("the register is evicted", lost, is_fault=True)
        flushed = lost._replace(is_held=False, writer=broken)
        yield Step("FLUSHALL", flushed, is_fault=True)
        if state.is_connected:
            yield Step("the connection is lost", state._replace(is_connected=False, wire=()), is_fault=True)
        if state.writer.phase in (Phase.HOLDS, Phase.COMMITTED, Phase.LIFTED):
            yield Step(
                "the writer dies", state._replace(writer=Writer(Phase.DEAD, 0, 0, broken.is_whole)), is_fault=True
            )


def _announcement(state: State) -> int:
    return 2 * state.committed + (1 if state.writer.phase is Phase.HOLDS else 2)


def _forget(state: State) -> State:
    return state._replace(memory=NOTHING, filling=state.filling and state.filling._replace(is_outdated=True))


def _clear(state: State) -> State:
    return _forget(state)._replace(lease=0, is_slow=False)


def _less(ticks: int) -> int:
    return max(0, ticks - 1)


def _wrong(state: State, version: int) -> str:
    return wrong(state, version, is_whole=state.writer.is_whole)
