"""What there is in redis_epochs.py: servers, their members, a writer, and what is being read."""

from enum import StrEnum
from typing import NamedTuple

UNKNOWN = -1
NO_SERVER = -1


class Phase(StrEnum):
    """How far the writer is."""

    IDLE = "idle"
    HOLDS = "in its transaction"
    COMMITTED = "committed"
    TELLS_AGAIN = "committed, waiting"
    LIFTED = "in phase 2"


class Stage(StrEnum):
    """How far a member is with entering."""

    OUT = "out"
    JOINED = "in an epoch"
    SERVES = "serving"


class Entry(NamedTuple):
    """What a load found, under the token and in the epoch of before it."""

    token: int
    epoch: int
    version: int = UNKNOWN


class Server(NamedTuple):
    """What one server has."""

    token: int = 1
    is_held: bool = False
    entry: Entry | None = None


class Member(NamedTuple):
    """Which server somebody uses, in which epoch, and how far it is.

    `has_lapsed`: its lease has run out while it was stopped. Its clock keeps it from serving, but it may be in the
    middle of a write, or of a drain, which it then goes on with.
    """

    server: int = 0
    epoch: int = 0
    stage: Stage = Stage.OUT
    has_lapsed: bool = False


class Writer(NamedTuple):
    """`is_heard`: its hold counts as placed. `epoch`: the one in force in its transaction. `has_peer`: it saw one."""

    phase: Phase = Phase.IDLE
    is_heard: bool = False
    epoch: int = 0
    has_peer: bool = False


class State(NamedTuple):
    """Postgres (`in_force`: a server and its epoch), the servers, the two members, their work, and what is known."""

    committed: int = 0
    acknowledged: int = 0
    outbox: bool = False
    hold: bool = False
    in_force: tuple[int, int] = (0, 0)
    servers: tuple[Server, ...] = (Server(1), Server(2))
    members: tuple[Member, ...] = (Member(), Member())
    writer: Writer = Writer()
    is_held: bool = False
    filling: Entry | None = None
    copies: int = 0


PROCESS, WRITER = 0, 1
NAMES = ("the process", "the writer")


def with_server(state: State, number: int, server: Server) -> State:
    return state._replace(servers=(*state.servers[:number], server, *state.servers[number + 1 :]))


def with_member(state: State, who: int, member: Member) -> State:
    return state._replace(members=(*state.members[:who], member, *state.members[who + 1 :]))


def swapped(state: State) -> State:
    reign, epoch = state.in_force
    return state._replace(
        in_force=(reign if reign == NO_SERVER else 1 - reign, epoch),
        servers=state.servers[::-1],
        members=tuple(
            member if member.stage is Stage.OUT else member._replace(server=1 - member.server)
            for member in state.members
        ),
    )
