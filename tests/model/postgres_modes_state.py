"""What there is in postgres_modes.py: a writer, a process that reads, and what happens to both at once."""

from enum import StrEnum
from typing import Literal, NamedTuple

NOTHING = -1
Mode = Literal["", "redis", "postgres"]


class Phase(StrEnum):
    """How far the writer is."""

    IDLE = "idle"
    NOTED = "in its transaction"
    TELLS = "in its transaction, waiting"
    COMMITTED = "committed"
    TELLS_AGAIN = "committed, waiting"
    LIFTED = "in phase 2"
    DEAD = "dead"


IN_TRANSACTION = (Phase.NOTED, Phase.TELLS)


class Writer(NamedTuple):
    """`is_heard`: by Redis. `seen`: the process as it was registered when the writer looked. `is_whole`: its hold."""

    phase: Phase = Phase.IDLE
    is_heard: bool | None = None
    seen: Mode | None = None
    is_whole: bool = True


class Filling(NamedTuple):
    """What is being read. `is_fenced`: the fence and the token are taken; since then, was anything forgotten?"""

    is_fenced: bool = False
    is_alone: bool = False
    version: int = NOTHING
    is_stored: bool = False
    is_forgotten: bool = False
    is_lifted: bool = False


class Process(NamedTuple):
    """The process that reads: whom it entered with, how far it is with entering, what it has."""

    registered: Mode = ""
    entered: Mode = ""
    entering: Mode = ""
    is_let_in: bool = False
    is_drained: bool = False
    is_open: bool = True
    is_held: bool = False
    has_lease: bool = False
    memory: int = NOTHING
    filling: Filling | None = None


class State(NamedTuple):
    """Postgres (`hold`: which peers are to keep it), Redis, who reaches Redis, the writer, the process."""

    committed: int = 0
    acknowledged: int = 0
    outbox: bool = False
    hold: Literal["", "some", "all"] = ""
    redis_hold: bool = False
    entry: int = NOTHING
    writer_has_redis: bool = True
    process_has_redis: bool = True
    writer: Writer = Writer()
    process: Process = Process()
    faults: int = 0


def with_process(state: State, **fields: object) -> State:
    return state._replace(process=state.process._replace(**fields))  # type: ignore[arg-type]


def out(state: State) -> State:
    """Nobody vouches for the process: it has to enter anew."""
    return with_process(state, entered="", entering="", is_let_in=False, is_drained=False, has_lease=False)


def cut(state: State, writer: Writer) -> State:
    return state._replace(writer_has_redis=False, writer=writer)


def forget(state: State) -> State:
    filling = state.process.filling
    return with_process(state, memory=NOTHING, filling=filling and filling._replace(is_forgotten=filling.is_fenced))


def told_by_redis(state: State) -> State:
    """Who has a lease there forgets, or its lease is waited out."""
    if not state.process.has_lease:
        return state
    return with_process(forget(state), has_lease=state.process_has_redis)


def new_token(state: State) -> State:
    filling = state.process.filling
    return with_process(
        state._replace(entry=NOTHING), filling=filling and filling._replace(is_lifted=filling.is_fenced)
    )
