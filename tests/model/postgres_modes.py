"""Peers by Postgres: a process that changes between Redis and Postgres, and a writer that has to know whom to tell how.

Leases are as proven in postgres_leases.py and memory_leases.py: whoever waits for a process goes on once it has
acknowledged, or has no lease and has to enter anew. Tokens are as in redis_tokens.py: what is stored under an earlier
one is lost.
"""

from collections.abc import Iterator
from enum import StrEnum

from tests.model.explorer import Step
from tests.model.postgres_modes_state import (
    IN_TRANSACTION,
    NOTHING,
    Filling,
    Mode,
    Phase,
    Process,
    State,
    Writer,
    cut,
    forget,
    new_token,
    out,
    told_by_redis,
    with_process,
)
from tests.model.promise import wrong


class Part(StrEnum):
    """What the protocol consists of; each can be left out."""

    REGISTERED_FIRST = "a process registers before it takes the writers' lock alone"
    LOCKED_ALONE = "who enters waits for the writers that looked for peers before"
    DRAINED_FIRST = "who enters with Redis drains the outbox before it serves"
    CLEARED_AT_CHANGE = "memory is cleared at a change of mode"
    ALL_IF_UNHEARD = "a writer that Redis does not hear tells all peers"
    OTHERS_IF_HEARD = "a writer that Redis hears tells those peers that have lost it"
    HELD_AGAIN = "a writer whose lift Redis does not hear tells all peers before it acknowledges"


class PostgresModes:
    """The specification, whole or `without` one part."""

    parts = tuple(Part)

    def __init__(self, without: Part | None = None, *, faults: int = 2) -> None:
        self._has = {part: part is not without for part in Part}
        self._faults = faults

    def start(self) -> State:
        """Nothing is written, nothing kept, nobody known."""
        return State()

    def canonical(self, state: State) -> State:
        """What makes no difference any more is left out: memory that will be cleared before it is served."""
        process = state.process
        is_out = not process.entered and not process.entering and self._has[Part.CLEARED_AT_CHANGE]
        if is_out or (process.entered == "redis" and not process.has_lease):
            state = forget(state)
        filling = state.process.filling
        if (
            filling is not None
            and filling.is_forgotten
            and (filling.is_alone or filling.is_stored or filling.is_lifted)
        ):
            state = with_process(state, filling=None)
        return state

    def serves(self, state: State) -> bool:
        """What is in memory is served, and current."""
        return self._memory_serves(state.process) and state.process.memory == state.committed

    def steps(self, state: State) -> Iterator[Step[State]]:
        """All that may happen."""
        yield from self._read(state, state.process)
        yield from self._enter(state, state.process)
        if state.process.entered or state.process.is_let_in:
            yield from self._stay(state, state.process)
        yield from self._write(state, state.writer)
        yield from self._find_again(state)
        if state.faults < self._faults:
            yield from self._break(state._replace(faults=state.faults + 1))

    # The process reads

    def _memory_serves(self, process: Process) -> bool:
        return process.entered == "postgres" or (process.entered == "redis" and process.has_lease)

    def _read(self, state: State, process: Process) -> Iterator[Step[State]]:
        has_redis = state.process_has_redis and not process.is_open
        filling = process.filling
        if self._memory_serves(process) and process.memory != NOTHING and (why := _wrong(state, process.memory)):
            yield Step(f"the process serves version {process.memory} from memory", state, why)
        may_serve = process.entered and not process.is_held
        if may_serve and has_redis and state.entry != NOTHING and (why := _wrong(state, state.entry)):
            yield Step(f"the process serves version {state.entry} from Redis", state, why)
        if filling is None:
            if may_serve:
                yield Step("a read begins: not forbidden", with_process(state, filling=Filling()))
        elif not filling.is_fenced:
            yield from self._fence(state, process, filling, has_redis=has_redis)
        elif filling.version == NOTHING:
            yield Step("the read loads", with_process(state, filling=filling._replace(version=state.committed)))
        elif has_redis and not filling.is_stored and not filling.is_alone:
            entry = state.entry if filling.is_lifted else filling.version
            stored = with_process(state._replace(entry=entry), filling=filling._replace(is_stored=True))
            yield Step("the read stores in Redis", stored)
        else:
            is_kept = self._memory_serves(process) and not filling.is_forgotten and not process.is_held
            is_kept = is_kept and (filling.is_stored or filling.is_alone)
            memory = filling.version if is_kept else process.memory
            yield Step("the read puts it in memory", with_process(state, memory=memory, filling=None))

    def _fence(self, state: State, process: Process, filling: Filling, *, has_redis: bool) -> Iterator[Step[State]]:
        fenced = filling._replace(is_fenced=True)
        if has_redis and state.entry != NOTHING:
            found = fenced._replace(version=state.entry, is_stored=True)
            yield Step("the read finds it in Redis", with_process(state, filling=found))
        if has_redis and not state.redis_hold:
            yield Step("the read takes fence and token", with_process(state, filling=fenced))
        elif process.is_open and process.entered == "postgres":
            yield Step(
                "the read, without Redis, takes its fence", with_process(state, filling=fenced._replace(is_alone=True))
            )
        else:
            yield Step("the read goes to Postgres, and is not kept", with_process(state, filling=None))

    # The process among its peers

    def _enter(self, state: State, process: Process) -> Iterator[Step[State]]:
        has = self._has
        wanted: Mode = "redis" if state.process_has_redis or not process.is_open else "postgres"
        if not process.is_open and not state.process_has_redis:
            yield Step("the process finds Redis lost", with_process(state, is_open=True))
        if not process.entering:
            is_lost = process.is_open and process.entered == "redis"
            if not process.entered or is_lost or (process.is_open and wanted == "redis"):
                begun = forget(state) if has[Part.CLEARED_AT_CHANGE] else state
                begun = with_process(begun, entered="", entering=wanted, has_lease=False)
                if has[Part.REGISTERED_FIRST]:
                    begun = with_process(begun, registered=wanted)
                yield Step(f"the process begins to enter with {wanted}", begun)
        elif process.entering != wanted:
            yield Step("the process cannot enter with that", out(state))
        elif not process.is_let_in:
            if state.writer.phase not in IN_TRANSACTION or not has[Part.LOCKED_ALONE]:
                yield Step("the process has the lock, and gives it back", with_process(state, is_let_in=True))
        elif wanted == "redis" and not process.is_drained and has[Part.DRAINED_FIRST]:
            if state.process_has_redis or not state.outbox:
                drained = with_process(self._lift(state) if state.outbox else state, is_drained=True)
                yield Step("the process drains", drained)
        else:
            entered = with_process(out(state), registered=wanted, entered=wanted, is_open=wanted != "redis")
            yield Step(f"the process has entered with {wanted}", entered)

    def _stay(self, state: State, process: Process) -> Iterator[Step[State]]:
        has_redis = state.process_has_redis and not process.is_open
        if process.entered == "redis" and has_redis and not process.has_lease:
            yield Step("memory has a lease in Redis", with_process(forget(state), has_lease=True))
        if process.has_lease:
            yield Step("the lease in Redis runs out", with_process(state, has_lease=False))
        yield Step("the process's lease runs out", out(state))
        is_asked = state.hold == "all" or (state.hold and process.entered == "postgres")
        if is_asked and not process.is_held:
            yield Step("the process hears of the hold, acknowledges", with_process(forget(state), is_held=True))
        if process.is_held and not is_asked and process.entered:
            if process.entered == "postgres":
                yield Step("the process ends the hold", with_process(forget(state), is_held=False))
            elif state.process_has_redis:
                ended = self._lift(state) if state.outbox else state
                yield Step("the process drains, ends the hold", with_process(forget(ended), is_held=False))

    # The writer

    def _write(self, state: State, writer: Writer) -> Iterator[Step[State]]:
        phase = writer.phase
        if phase is Phase.IDLE and state.committed == 0 and not state.hold:
            yield Step("the writer notes its tags", state._replace(writer=Writer(Phase.NOTED)))
        elif phase is Phase.NOTED:
            yield from self._hold(state, writer)
        elif phase in (Phase.TELLS, Phase.TELLS_AGAIN):
            if not writer.seen or state.process.is_held or not (state.process.entered or state.process.is_let_in):
                if phase is Phase.TELLS:
                    yield self._commit(state)
                else:
                    yield Step("all have acknowledged", state._replace(writer=writer._replace(phase=Phase.LIFTED)))
        elif phase is Phase.COMMITTED:
            yield from self._lift_or_tell(state, writer)
        elif phase is Phase.LIFTED:
            done = state._replace(hold="", acknowledged=state.committed, writer=Writer())
            yield Step("the writer ends its hold, acknowledged", done)
        if phase not in IN_TRANSACTION:
            if state.hold and phase in (Phase.IDLE, Phase.DEAD):
                yield Step("the hold runs out", state._replace(hold=""))
            if state.redis_hold:
                yield Step("the hold in Redis runs out", state._replace(redis_hold=False))

    def _hold(self, state: State, writer: Writer) -> Iterator[Step[State]]:
        if writer.is_heard is None:
            held = new_token(told_by_redis(state))._replace(redis_hold=True)
            if state.writer_has_redis:
                yield Step("the writer holds in Redis", held._replace(writer=writer._replace(is_heard=True)))
                yield Step("Redis runs the hold, the writer hears nothing", cut(held, writer._replace(is_heard=False)))
            else:
                yield Step("the writer cannot hold in Redis", state._replace(writer=writer._replace(is_heard=False)))
        if writer.seen is None:
            seen = state.process.registered
            yield Step("the writer looks for peers", state._replace(writer=writer._replace(seen=seen)))
        if writer.is_heard is not None and writer.seen is not None:
            told = writer._replace(phase=Phase.TELLS)
            if not writer.is_heard:
                told = told if self._has[Part.ALL_IF_UNHEARD] or writer.seen == "postgres" else told._replace(seen="")
                yield Step("the writer holds with all peers", state._replace(hold="all", writer=told))
            elif writer.seen == "postgres" and self._has[Part.OTHERS_IF_HEARD]:
                yield Step("the writer holds with peers that lost Redis", state._replace(hold="some", writer=told))
            else:
                yield self._commit(state)

    def _commit(self, state: State) -> Step[State]:
        writer = state.writer._replace(phase=Phase.COMMITTED)
        after = state._replace(committed=state.committed + 1, outbox=True, writer=writer)
        return Step("the writer: COMMIT", after)

    def _lift_or_tell(self, state: State, writer: Writer) -> Iterator[Step[State]]:
        lifted = writer._replace(phase=Phase.LIFTED)
        if state.writer_has_redis:
            yield Step("the writer lifts", self._lift(state)._replace(writer=lifted))
        elif state.hold == "all" or not self._has[Part.HELD_AGAIN]:
            yield Step("the writer cannot lift", state._replace(writer=lifted))
        else:
            again = writer._replace(phase=Phase.TELLS_AGAIN)
            yield Step("the writer cannot lift, holds with all peers", state._replace(hold="all", writer=again))

    def _lift(self, state: State) -> State:
        told = state if state.redis_hold else told_by_redis(state)
        return new_token(told)._replace(redis_hold=False, outbox=False)

    # The rest

    def _find_again(self, state: State) -> Iterator[Step[State]]:
        if not state.process_has_redis:
            yield Step("the process reaches Redis again", state._replace(process_has_redis=True))
        if not state.writer_has_redis and state.writer.phase not in IN_TRANSACTION:
            yield Step("the writer reaches Redis again", state._replace(writer_has_redis=True))

    def _break(self, state: State) -> Iterator[Step[State]]:
        writer, phase = state.writer, state.writer.phase
        if state.process_has_redis:
            yield Step("the process loses Redis", state._replace(process_has_redis=False), is_fault=True)
        if state.writer_has_redis:
            yield Step("the writer loses Redis", state._replace(writer_has_redis=False), is_fault=True)
        if phase not in (Phase.IDLE, Phase.DEAD):
            dead = state._replace(writer=writer._replace(phase=Phase.DEAD))
            yield Step("the writer dies", dead, is_fault=True)
        broken = writer._replace(is_whole=writer.is_whole and phase not in IN_TRANSACTION)
        flushed = new_token(state)._replace(redis_hold=False, writer=broken)
        yield Step("FLUSHALL", flushed, is_fault=True)


def _wrong(state: State, version: int) -> str:
    return wrong(state, version, is_whole=state.writer.is_whole)
