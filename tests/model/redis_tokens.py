"""The second tier: entries under tag tokens in Redis, two writers that hold and lift them, two readers that fill.

One tag and one key. What Redis does is one step where the code has one script or one GETRANGE; a load, a COMMIT and a
store are steps of their own, and anything may happen between them. Memory has no part here.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from tests.model.explorer import Step
from tests.model.promise import wrong

# Tokens are numbers from 1 on. One that no tag can have again is SPENT.
ABSENT, HELD, SPENT = 0, -1, -2
UNKNOWN = -1
FAULTS = 1


class Part(StrEnum):
    """What the protocol consists of; each can be left out."""

    SNAPSHOT_FIRST = "tokens are read before the load opens its snapshot of the database"
    COMPARED = "a read compares the entry's tokens with the present ones"
    NEVER_AGAIN = "a token never comes back"
    HELD_BEFORE_COMMIT = "tags are on hold from before the COMMIT"
    NOTHING_KEPT_WHILE_HELD = "a held tag gives no token to store under"
    LIFT_GIVES_NEW_TOKENS = "a lift gives new tokens, whatever they are"
    LIFT_MINDS_OTHERS = "a lift leaves the tag on hold for another writer"
    SAME_TRANSACTION = "the outbox has the tags in the write's own transaction"
    DRAINED_FIRST = "the outbox is drained before Redis is read again"
    EPOCH_COMPARED = "an entry of another epoch is a miss"


class Phase(StrEnum):
    """How far a writer is."""

    IDLE = "idle"
    HOLDS = "in phase 1"
    COMMITTED = "committed"
    NOTED = "committed and noted"
    ACKNOWLEDGED = "acknowledged"
    DEAD = "dead"


class Writer(NamedTuple):
    """`number`: which COMMIT its was. `is_whole`: nobody broke its hold before its COMMIT."""

    phase: Phase = Phase.IDLE
    number: int = 0
    is_whole: bool = True


class Entry(NamedTuple):
    """What a load found, under the token and in the epoch of before it."""

    token: int
    epoch: int
    version: int = UNKNOWN


class Disk(NamedTuple):
    """What Redis saved."""

    token: int
    entry: Entry | None


class State(NamedTuple):
    """Postgres (`committed`, `outbox`), Redis (`token` to `disk`), those who use them, and what clients know."""

    committed: int = 0
    outbox: frozenset[int] = frozenset()
    token: int = ABSENT
    holders: frozenset[int] = frozenset()
    entry: Entry | None = None
    epoch: int = 0
    disk: Disk | None = None
    is_reached: bool = True
    filling: Entry | None = None
    writers: tuple[Writer, ...] = (Writer(), Writer())
    acknowledged: int = 0
    faults: int = 0


class RedisTokens:
    """The specification, whole or `without` one part."""

    parts = tuple(Part)

    def __init__(self, without: Part | None = None) -> None:
        self._has = {part: part is not without for part in Part}

    def start(self) -> State:
        """Nothing is written, nothing kept."""
        return State()

    def canonical(self, state: State) -> State:
        """Tokens are as good as others: the present one is 1, what nothing has any more is SPENT."""
        if state.writers[1] < state.writers[0]:
            others = {0: 1, 1: 0}
            state = state._replace(
                writers=state.writers[::-1],
                holders=frozenset(others[name] for name in state.holders),
                outbox=frozenset(others[name] for name in state.outbox),
            )
        if not (self._has[Part.COMPARED] and self._has[Part.NEVER_AGAIN]):
            return state
        saved = ABSENT if state.disk is None else state.disk.token
        names = {ABSENT: ABSENT, HELD: HELD, state.token: min(state.token, 1)}
        names.setdefault(saved, 2)
        return state._replace(
            token=names[state.token],
            disk=state.disk and state.disk._replace(token=names[saved], entry=_renamed(state.disk.entry, names)),
            entry=_renamed(state.entry, names),
            filling=_renamed(state.filling, names),
        )

    def serves(self, state: State) -> bool:
        """A hit, and current."""
        return self._is_hit(state) and state.entry is not None and state.entry.version == state.committed

    def steps(self, state: State) -> Iterator[Step[State]]:
        """All that may happen."""
        yield from self._read(state)
        for name, writer in enumerate(state.writers):
            yield from self._write(state, name, writer)
        yield from self._time(state)
        if state.faults < FAULTS:
            yield from self._faults(state._replace(faults=state.faults + 1))

    # Readers

    def _is_hit(self, state: State) -> bool:
        entry = state.entry
        if entry is None or not state.is_reached:
            return False
        is_current = entry.token == state.token or not self._has[Part.COMPARED]
        return is_current and (entry.epoch == state.epoch or not self._has[Part.EPOCH_COMPARED])

    def _read(self, state: State) -> Iterator[Step[State]]:
        """A hit, which changes nothing, and one fill at a time: misses, early refreshes, expired entries."""
        if state.entry is not None and self._is_hit(state) and (why := _wrong(state, state.entry.version)):
            yield Step(f"a reader hits version {state.entry.version}", state, why)
        filling, is_first = state.filling, self._has[Part.SNAPSHOT_FIRST]
        if filling is None and not is_first:
            yield Step("a reader loads", state._replace(filling=Entry(ABSENT, 0, state.committed)))
        elif filling is None:
            if state.is_reached and (after := self._snapshot(state)).token != HELD:
                yield Step("a reader reads the token", after._replace(filling=Entry(after.token, after.epoch)))
        elif filling.version == UNKNOWN:
            yield Step("a reader loads", state._replace(filling=filling._replace(version=state.committed)))
        elif state.is_reached and is_first:
            yield Step("a reader stores", state._replace(entry=filling, filling=None))
        elif state.is_reached and (after := self._snapshot(state)).token != HELD:
            entry = Entry(after.token, after.epoch, filling.version)
            yield Step("a reader reads the token and stores", after._replace(entry=entry, filling=None))

    def _snapshot(self, state: State) -> State:
        """As snapshot.lua: a token is made where there is none, unless somebody holds the tag."""
        if state.token > ABSENT:
            return state
        if state.holders and self._has[Part.NOTHING_KEPT_WHILE_HELD]:
            return state._replace(token=HELD)
        return state._replace(token=self._new_token(state))

    def _new_token(self, state: State) -> int:
        if not self._has[Part.NEVER_AGAIN]:
            return max(state.token, ABSENT) + 1
        saved = state.disk or Disk(ABSENT, None)
        used = {entry.token for entry in (state.entry, state.filling, saved.entry) if entry is not None}
        used |= {state.token, saved.token}
        return next(token for token in range(1, len(used) + 2) if token not in used)

    # Writers

    def _write(self, state: State, name: int, writer: Writer) -> Iterator[Step[State]]:
        def become(writer: Writer, at: State = state) -> State:
            return at._replace(writers=(*at.writers[:name], writer, *at.writers[name + 1 :]))

        match writer.phase:
            case Phase.IDLE:
                after = state
                if self._has[Part.HELD_BEFORE_COMMIT] and state.is_reached:
                    after = state._replace(token=HELD, holders=state.holders | {name})
                yield Step(f"writer {name}: phase 1", become(Writer(Phase.HOLDS), after))
            case Phase.HOLDS:
                noted = {name} if self._has[Part.SAME_TRANSACTION] else set()
                after = state._replace(committed=state.committed + 1, outbox=state.outbox | noted)
                phase = Phase.NOTED if noted else Phase.COMMITTED
                yield Step(f"writer {name}: COMMIT", become(Writer(phase, after.committed, writer.is_whole), after))
            case Phase.COMMITTED:
                after = state._replace(outbox=state.outbox | {name})
                yield Step(f"writer {name} notes its tags", become(writer._replace(phase=Phase.NOTED), after))
            case Phase.NOTED:
                after = self._lift(state, name) if state.is_reached else state
                after = after._replace(acknowledged=max(state.acknowledged, writer.number))
                yield Step(
                    f"writer {name}: phase 2, acknowledged", become(writer._replace(phase=Phase.ACKNOWLEDGED), after)
                )
        if writer.phase in (Phase.HOLDS, Phase.COMMITTED, Phase.NOTED) and state.faults < FAULTS:
            after = state._replace(faults=state.faults + 1)
            yield Step(f"writer {name} dies", become(writer._replace(phase=Phase.DEAD), after), is_fault=True)

    def _lift(self, state: State, *names: int) -> State:
        holders = state.holders.difference(names)
        if holders and self._has[Part.LIFT_MINDS_OTHERS]:
            token = HELD
        elif state.token > ABSENT and not self._has[Part.LIFT_GIVES_NEW_TOKENS]:
            token = state.token
        else:
            token = self._new_token(state)
        return state._replace(token=token, holders=holders, outbox=state.outbox.difference(names))

    # The rest

    def _time(self, state: State) -> Iterator[Step[State]]:
        for name in state.holders:
            # A hold is longer than any COMMIT takes: it outlasts a living writer's.
            if state.writers[name].phase is not Phase.HOLDS:
                yield Step(f"the hold of writer {name} runs out", state._replace(holders=state.holders - {name}))
        if state.is_reached:
            for name in state.outbox:
                yield Step(f"a relay drains the note of writer {name}", self._lift(state, name))
        elif all(writer.phase is not Phase.HOLDS for writer in state.writers):
            # Who returns has waited for the writers in phase 1 (postgres_modes.py).
            after = self._lift(state, *state.outbox) if state.outbox and self._has[Part.DRAINED_FIRST] else state
            yield Step("Redis is found again", after._replace(is_reached=True))
        # Holds that it brings back keep out more: one without them is the worse.
        if state.disk is None and state.epoch == 0 and not state.holders and self._is_hit(state):
            yield Step("Redis saves", state._replace(disk=Disk(state.token, state.entry)))

    def _faults(self, state: State) -> Iterator[Step[State]]:
        broken = tuple(
            writer._replace(is_whole=False) if writer.phase is Phase.HOLDS else writer for writer in state.writers
        )
        if state.token != ABSENT:
            yield Step("the token is evicted", state._replace(token=ABSENT), is_fault=True)
        if state.holders:
            yield Step("the holds are evicted", state._replace(holders=frozenset(), writers=broken), is_fault=True)
        flushed = state._replace(token=ABSENT, holders=frozenset(), entry=None)
        yield Step("FLUSHALL", flushed._replace(writers=broken), is_fault=True)
        if state.is_reached:
            yield Step("Redis is out of reach", state._replace(is_reached=False), is_fault=True)
            if state.disk is not None:
                token, entry = state.disk
                after = state._replace(token=token, holders=frozenset(), entry=entry, epoch=1, disk=None)
                yield Step("Redis restarts with what it saved", after._replace(is_reached=False), is_fault=True)


def _wrong(state: State, version: int) -> str:
    return wrong(state, version, is_whole=any(writer.is_whole for writer in state.writers if writer.number > version))


def _renamed(entry: Entry | None, names: Mapping[int, int]) -> Entry | None:
    if entry is None or entry.token in names:
        return entry and entry._replace(token=names[entry.token])
    return Entry(SPENT, 0, min(entry.version, 0))
