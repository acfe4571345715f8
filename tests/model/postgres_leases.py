"""Peers by Postgres: a process with a lease in `cache_processes`, and a writer that Redis does not hear.

Time passes in ticks of everybody's clock (how clocks may differ is in memory_leases.py). The process stays in one mode:
`redis`, where it serves what Redis has and what it has in memory, or `postgres`, where it has its memory alone.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Literal, NamedTuple

from tests.model.explorer import Step
from tests.model.promise import wrong

NOTHING = -1
# In ticks; a row that ran out LEASE ago is as good as none.
LEASE = 2
GONE = -LEASE
FOREVER = LEASE + 1
# The row of a process that enters, which may take it long.
ENTERING = LEASE + 2
ENTERED = 3


class Part(StrEnum):
    """What the protocol consists of; each can be left out."""

    WAITED_FOR = "a writer waits until the process has acknowledged its hold, or cannot have a lease"
    COUNTED_FROM_BEFORE = "a lease is counted from before its renewal was sent"
    RENEWED_WHILE_RUNNING = "a lease that has run out is not renewed: its process starts over"
    RENEWAL_SEES_HOLDS = "a renewal reads the holds in the same snapshot"
    RENEWAL_ON_ITS_WAY = "a writer minds a process until a lease's length after the end of its row"
    SERVED_UNDER_LEASE = "what Redis has is served under the lease, too"
    NOTHING_KEPT_WHILE_HELD = "nothing under held tags is put in memory"
    FORGOTTEN_AGAIN = "at the end of a hold its tags are forgotten once more"
    DRAINED_BEFORE_DROP = "a process with Redis drains the outbox before it ends a hold"
    ROW_BEFORE_DRAIN = "who enters has a row of a lease's length before it drains, and serves by the next renewal"
    ROWS_SURVIVE = "the rows of processes and holds survive a crash of Postgres"


class Phase(StrEnum):
    """How far the writer is."""

    IDLE = "idle"
    LOOKED = "in its transaction"
    HOLDS = "in its transaction, waiting"
    COMMITTED = "committed"
    DEAD = "dead"


class Renewal(NamedTuple):
    """One on its way: what is left of the lease, the row that it is about to commit, and the hold that it saw."""

    left: int = LEASE
    row: int | None = None
    is_committed: bool = False
    is_renewed: bool = False
    saw: int = 0


class Filling(NamedTuple):
    """What is being read. `is_fenced`: the fence and the token are taken; since then, was anything forgotten?"""

    is_fenced: bool = False
    version: int = NOTHING
    is_stored: bool = False
    is_forgotten: bool = False
    is_lifted: bool = False


class State(NamedTuple):
    """Postgres (`committed` to `row`), the writer (`phase`, `wait`), Redis (`entry`), the process, and what is known.

    `hold` is the number of the write that holds, as Postgres has it, `held` as the process knows it, 0 for none.
    """

    committed: int = 0
    acknowledged: int = 0
    outbox: bool = False
    hold: int = 0
    row: int = GONE
    phase: Phase = Phase.IDLE
    wait: int = 0
    entry: int = NOTHING
    memory: int = NOTHING
    entering: int = 0
    lease: int = 0
    held: int = 0
    is_settling: bool = False
    renewal: Renewal | None = None
    filling: Filling | None = None
    faults: int = 0


class PostgresLeases:
    """The specification, whole or `without` one part; `serves_alone`: a process without Postgres serves on."""

    parts = tuple(Part)

    def __init__(
        self,
        without: Part | None = None,
        *,
        mode: Literal["redis", "postgres"] = "postgres",
        serves_alone: bool = False,
        faults: int = 1,
    ) -> None:
        self._has = {part: part is not without for part in Part}
        self._has_redis = mode == "redis"
        self._serves_alone = serves_alone
        self._faults = faults

    def start(self) -> State:
        """Nothing is written, nothing kept, nobody known."""
        return State()

    def canonical(self, state: State) -> State:
        """Nobody has a name."""
        return state

    def serves(self, state: State) -> bool:
        """What is in memory is served, and current."""
        return state.lease > 0 and not state.held and state.memory == state.committed

    def steps(self, state: State) -> Iterator[Step[State]]:
        """All that may happen."""
        yield from self._read(state)
        yield from self._stay(state)
        yield from self._write(state)
        yield Step("a tick", self._later(state))
        if state.faults < self._faults:
            yield from self._break(state._replace(faults=state.faults + 1))

    # The process reads

    def _read(self, state: State) -> Iterator[Step[State]]:
        filling = state.filling
        is_led = state.lease > 0 or not self._has[Part.SERVED_UNDER_LEASE]
        if state.lease and state.memory != NOTHING and (why := wrong(state, state.memory)):
            yield Step(f"the process serves version {state.memory} from memory", state, why)
        if is_led and not state.held and state.entry != NOTHING and (why := wrong(state, state.entry)):
            yield Step(f"the process serves version {state.entry} from Redis", state, why)
        if filling is None:
            if is_led and not state.held:
                yield Step("a read begins: not forbidden", state._replace(filling=Filling()))
        elif not filling.is_fenced and not state.lease and not self._has_redis:
            yield Step("the read is not kept: nobody vouches for memory", state._replace(filling=None))
        elif not filling.is_fenced:
            fenced = filling._replace(is_fenced=True)
            yield Step("the read takes its fence", state._replace(filling=fenced))
            if state.entry != NOTHING:
                found = fenced._replace(version=state.entry, is_stored=True)
                yield Step("the read finds it in Redis", state._replace(filling=found))
        elif filling.version == NOTHING:
            yield Step("the read loads", state._replace(filling=filling._replace(version=state.committed)))
        elif self._has_redis and not filling.is_stored:
            entry = state.entry if filling.is_lifted else filling.version
            stored = state._replace(entry=entry, filling=filling._replace(is_stored=True))
            yield Step("the read stores in Redis", stored)
        else:
            is_forbidden = state.held and self._has[Part.NOTHING_KEPT_WHILE_HELD]
            is_kept = state.lease and not filling.is_forgotten and not is_forbidden
            memory = filling.version if is_kept else state.memory
            yield Step("the read puts it in memory", state._replace(memory=memory, filling=None))

    # The process among its peers

    def _stay(self, state: State) -> Iterator[Step[State]]:
        renewal = state.renewal
        if state.entering < ENTERED:
            yield from self._enter(state)
        elif state.is_settling:
            settled = state._replace(is_settling=False, held=0)
            if self._has_redis and self._has[Part.DRAINED_BEFORE_DROP]:
                settled = _lift(settled)
            settled = _forget(settled) if self._has[Part.FORGOTTEN_AGAIN] else settled
            yield Step("the process ends the hold", settled)
        elif renewal is None:
            yield Step("the process begins a renewal", state._replace(renewal=Renewal()))
        elif renewal.row is None:
            is_renewed = state.row > 0 or not self._has[Part.RENEWED_WHILE_RUNNING]
            saw = state.hold if self._has[Part.RENEWAL_SEES_HOLDS] else state.held
            row = LEASE if is_renewed else state.row
            ran = renewal._replace(row=row, is_renewed=is_renewed, saw=saw)
            yield Step("Postgres runs the renewal", state._replace(renewal=ran))
        elif not renewal.is_committed:
            committed = renewal._replace(is_committed=True)
            yield Step("the renewal is committed", state._replace(row=renewal.row, renewal=committed))
        else:
            yield Step("the process learns of its renewal", self._renewed(state, renewal))
        if (
            state.entering == ENTERED
            and not self._has[Part.RENEWAL_SEES_HOLDS]
            and state.hold != state.held
            and not renewal
        ):
            yield Step("the process reads the holds", self._renewed(state, Renewal(state.lease, saw=state.hold)))

    def _enter(self, state: State) -> Iterator[Step[State]]:
        match state.entering:
            case 0:
                registered = _forget(state)._replace(entering=1, lease=0, row=ENTERING)
                yield Step("the process registers", registered)
            case 1 if state.phase not in (Phase.LOOKED, Phase.HOLDS):
                # It has waited for the writers that may not know of it (postgres_modes.py).
                locked = state._replace(entering=2)
                if self._has[Part.ROW_BEFORE_DRAIN]:
                    row = LEASE if state.row > 0 else state.row
                    locked = self._renewed(locked._replace(row=row), Renewal(0, row, saw=state.hold))
                yield Step("the process has the writers' lock, and gives it back", locked._replace(entering=2))
            case 2:
                entered = state._replace(entering=ENTERED)
                yield Step("the process drains", _lift(entered) if self._has_redis else entered)

    def _renewed(self, state: State, renewal: Renewal) -> State:
        if renewal.saw and renewal.saw != state.held:
            state = _forget(state)._replace(held=renewal.saw)
            if renewal.saw == state.hold:
                state = state._replace(wait=0)
        is_ended = state.held and not renewal.saw
        left = renewal.left if self._has[Part.COUNTED_FROM_BEFORE] else LEASE
        lease = left if renewal.is_renewed else state.lease
        return state._replace(
            renewal=None,
            is_settling=bool(is_ended),
            lease=lease,
            entering=ENTERED if renewal.is_renewed or renewal.row is None else 0,
        )

    # The writer

    def _write(self, state: State) -> Iterator[Step[State]]:
        match state.phase:
            case Phase.IDLE if state.committed == 0 and not state.hold:
                yield Step("the writer notes its tags", state._replace(phase=Phase.LOOKED))
            case Phase.LOOKED:
                end = GONE if self._has[Part.RENEWAL_ON_ITS_WAY] else 0
                held = state._replace(phase=Phase.HOLDS)
                if state.row > end:
                    wait = LEASE if self._has[Part.WAITED_FOR] else 0
                    held = held._replace(hold=state.committed + 1, wait=wait)
                yield Step("the writer looks for peers, and holds", held)
            case Phase.HOLDS if not state.wait:
                committed = state._replace(phase=Phase.COMMITTED, committed=state.committed + 1, outbox=True)
                yield Step("the writer: COMMIT", committed)
            case Phase.COMMITTED:
                done = state._replace(phase=Phase.IDLE, hold=0, acknowledged=state.committed)
                yield Step("the writer ends its hold, acknowledged", done)
        if state.hold and state.phase not in (Phase.LOOKED, Phase.HOLDS):
            yield Step("the hold runs out", state._replace(hold=0))
        if state.outbox and self._has_redis:
            yield Step("a relay drains the outbox", _lift(state))

    # The rest

    def _later(self, state: State) -> State:
        renewal = state.renewal
        if renewal is not None:
            row = renewal.row if renewal.row is None or renewal.is_committed else _less(renewal.row)
            renewal = renewal._replace(left=max(0, renewal.left - 1), row=row)
        lease = state.lease if state.lease == FOREVER else max(0, state.lease - 1)
        return state._replace(row=_less(state.row), lease=lease, wait=max(0, state.wait - 1), renewal=renewal)

    def _break(self, state: State) -> Iterator[Step[State]]:
        lost = state._replace(entering=0, renewal=None, is_settling=False)
        if self._serves_alone and self._has_redis:
            lost = lost._replace(lease=FOREVER)
        if state.entering:
            yield Step("the process loses Postgres", lost, is_fault=True)
        phase = Phase.IDLE if state.phase in (Phase.LOOKED, Phase.HOLDS) else state.phase
        crashed = lost._replace(phase=phase, wait=0)
        if not self._has[Part.ROWS_SURVIVE]:
            crashed = crashed._replace(row=GONE, hold=0)
        yield Step("Postgres crashes and recovers", crashed, is_fault=True)
        if state.phase is not Phase.IDLE:
            yield Step("the writer dies", state._replace(phase=Phase.DEAD, wait=0), is_fault=True)


def _forget(state: State) -> State:
    return state._replace(memory=NOTHING, filling=state.filling and state.filling._replace(is_forgotten=_is(state)))


def _is(state: State) -> bool:
    return state.filling is not None and state.filling.is_fenced


def _lift(state: State) -> State:
    """Drains: new tokens in Redis, of which those who have something in memory are told."""
    if not state.outbox:
        return state
    lifted = state.filling and state.filling._replace(is_lifted=_is(state))
    return _forget(state._replace(outbox=False, entry=NOTHING, filling=lifted))


def _less(ticks: int) -> int:
    return max(GONE, ticks - 1)
