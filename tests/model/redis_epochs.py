"""Several servers of Redis: a failover, a partition, a restart with old data, and who uses which.

Either of two servers may be found by whoever looks for one; it has its own data, or what was replicated to it from
the other at some time. The process and the writer each use the one they entered with. Leases, holds among peers and
memory are as in postgres_modes.py.
"""

from collections.abc import Iterator
from enum import StrEnum

from tests.model.explorer import Step
from tests.model.promise import wrong
from tests.model.redis_epochs_state import (
    NAMES,
    NO_SERVER,
    PROCESS,
    UNKNOWN,
    WRITER,
    Entry,
    Member,
    Phase,
    Server,
    Stage,
    State,
    Writer,
    swapped,
    with_member,
    with_server,
)


class Part(StrEnum):
    """What the protocol consists of; each can be left out."""

    ONE_AT_A_TIME = "another server is put in force once nobody has a lease under the epoch before"
    UNDER_LOCK = "and no writer is between the note of its tags and its COMMIT"
    HEARD_IN_FORCE = "a hold counts if it was placed in the epoch in force"
    DRAINED_IN_FORCE = "the outbox is drained by those in the epoch in force"
    NEVER_BEFORE = "each time that a server is put in force is an epoch of its own"
    EPOCH_COMPARED = "an entry of another epoch is a miss"


class RedisEpochs:
    """The specification, whole or `without` one part; with `lapses` members may lose their leases unknown to them."""

    parts = tuple(Part)

    def __init__(self, without: Part | None = None, *, copies: int = 1, lapses: bool = True) -> None:
        self._lapses = lapses
        self._has = {part: part is not without for part in Part}
        self._copies = copies

    def start(self) -> State:
        """Nobody has entered."""
        return State()

    def canonical(self, state: State) -> State:
        """Servers by who uses them, epochs and tokens by their order; without what can never be a hit again."""
        users = [member.server for member in state.members if member.stage is not Stage.OUT]
        if (*users, state.in_force[0])[0] == 1 and self._has[Part.NEVER_BEFORE]:
            state = swapped(state)
        tokens = {state.servers[0].token: 1}
        tokens.setdefault(state.servers[1].token, 2)
        present = {state.in_force[1], state.members[PROCESS].epoch}
        epochs = sorted({state.in_force[1], state.writer.epoch, *(member.epoch for member in state.members)} - {0})
        names = {epoch: number for number, epoch in enumerate(epochs, 1)} | {0: 0}
        if not self._has[Part.NEVER_BEFORE] or not self._has[Part.EPOCH_COMPARED]:
            return state

        def renamed(entry: Entry | None, *among: int) -> Entry | None:
            if entry is None or entry.token not in among or entry.epoch not in present:
                return None
            return Entry(tokens[entry.token], names[entry.epoch], entry.version)

        return state._replace(
            in_force=(state.in_force[0], names[state.in_force[1]]),
            servers=tuple(
                Server(tokens[server.token], server.is_held, renamed(server.entry, server.token))
                for server in state.servers
            ),
            members=tuple(member._replace(epoch=names[member.epoch]) for member in state.members),
            writer=state.writer._replace(epoch=names[state.writer.epoch]),
            filling=renamed(state.filling, *tokens),
        )

    def serves(self, state: State) -> bool:
        """A hit, and current."""
        entry = self._hit(state)
        return entry is not None and entry.version == state.committed

    def steps(self, state: State) -> Iterator[Step[State]]:
        """All that may happen."""
        yield from self._read(state)
        for who in (PROCESS, WRITER):
            yield from self._enter(state, who)
        if state.members[PROCESS].stage is not Stage.OUT and state.hold and not state.is_held:
            yield Step("the process hears of the hold, acknowledges", state._replace(is_held=True))
        if state.is_held and not state.hold and state.members[PROCESS].stage is Stage.SERVES:
            ended = self._drain(state, PROCESS)
            if ended is not None:
                yield Step("the process drains, ends the hold", ended._replace(is_held=False))
        yield from self._write(state)
        for server, other in ((0, 1), (1, 0)):
            is_unused = all(member.stage is Stage.OUT or member.server != server for member in state.members)
            if is_unused and state.copies < self._copies:
                # A restart, or a promotion: another reign.
                reign = NO_SERVER if state.in_force[0] == server else state.in_force[0]
                copied = with_server(state, server, state.servers[other])
                copied = copied._replace(in_force=(reign, state.in_force[1]), copies=state.copies + 1)
                yield Step(f"server {server} starts anew, as server {other} is", copied, is_fault=True)

    # The process reads

    def _hit(self, state: State) -> Entry | None:
        process = state.members[PROCESS]
        server = state.servers[process.server]
        entry = server.entry
        if process.stage is not Stage.SERVES or state.is_held or server.is_held or entry is None:
            return None
        is_current = entry.token == server.token
        return entry if is_current and (entry.epoch == process.epoch or not self._has[Part.EPOCH_COMPARED]) else None

    def _read(self, state: State) -> Iterator[Step[State]]:
        process, filling = state.members[PROCESS], state.filling
        if (hit := self._hit(state)) is not None and (why := wrong(state, hit.version)):
            yield Step(f"the process serves version {hit.version} from server {process.server}", state, why)
        server = state.servers[process.server]
        if filling is None:
            if process.stage is Stage.SERVES and not state.is_held and not server.is_held:
                yield Step("a read takes the token", state._replace(filling=Entry(server.token, process.epoch)))
        elif filling.version == UNKNOWN:
            yield Step("the read loads", state._replace(filling=filling._replace(version=state.committed)))
        elif process.stage is Stage.SERVES:
            stored = with_server(state, process.server, server._replace(entry=filling))
            yield Step("the read stores", stored._replace(filling=None))

    # Members

    def _enter(self, state: State, who: int) -> Iterator[Step[State]]:
        member = state.members[who]
        if member.stage is Stage.OUT and (state.writer.phase is not Phase.HOLDS or not self._has[Part.UNDER_LOCK]):
            for server in (0, 1):
                joined = self._join(state, who, server)
                if joined is not None:
                    yield Step(f"{NAMES[who]} finds server {server}, joins its epoch", joined)
        if member.stage is Stage.JOINED and (drained := self._drain(state, who)) is not None:
            if member.has_lapsed:
                yield Step(f"{NAMES[who]} drains, finds its lease gone", with_member(drained, who, Member()))
            else:
                serving = with_member(drained, who, member._replace(stage=Stage.SERVES))
                yield Step(f"{NAMES[who]} drains, serves from server {member.server}", serving)
        may_lapse = member.stage is Stage.JOINED or (member.stage is Stage.SERVES and who == WRITER)
        if self._lapses and may_lapse and not member.has_lapsed:
            yield Step(
                f"{NAMES[who]} is stopped, its lease runs out",
                with_member(state, who, member._replace(has_lapsed=True)),
            )
        if member.stage is not Stage.OUT:
            yield Step(f"{NAMES[who]} loses its server, or its lease", with_member(state, who, Member()))

    def _join(self, state: State, who: int, server: int) -> State | None:
        """None where others are in the epoch of another server."""
        other = state.members[1 - who]
        if not state.in_force[1] or state.in_force[0] != server:
            is_leased = other.stage is not Stage.OUT and not other.has_lapsed and other.epoch == state.in_force[1]
            if is_leased and self._has[Part.ONE_AT_A_TIME]:
                return None
            state = state._replace(in_force=(server, self._new_epoch(state, server)))
        return with_member(state, who, Member(server, state.in_force[1], Stage.JOINED))

    def _new_epoch(self, state: State, server: int) -> int:
        if not self._has[Part.NEVER_BEFORE]:
            return server + 1
        kept = [entry for entry in (state.servers[0].entry, state.servers[1].entry, state.filling) if entry]
        known = [state.in_force[1], state.writer.epoch, *(member.epoch for member in state.members)]
        return 1 + max(*known, *(entry.epoch for entry in kept), 0)

    def _drain(self, state: State, who: int) -> State | None:
        """None where that is refused."""
        member = state.members[who]
        if not state.outbox:
            return state
        if member.epoch != state.in_force[1] and self._has[Part.DRAINED_IN_FORCE]:
            return None
        return self._new_token(state._replace(outbox=False), member.server, is_held=False)

    def _new_token(self, state: State, server: int, *, is_held: bool) -> State:
        kept = [entry.token for entry in (state.servers[0].entry, state.servers[1].entry, state.filling) if entry]
        token = 1 + max(state.servers[0].token, state.servers[1].token, *kept, 0)
        return with_server(state, server, Server(token, is_held, state.servers[server].entry))

    # The writer

    def _write(self, state: State) -> Iterator[Step[State]]:
        writer, member = state.writer, state.members[WRITER]
        may_go = not writer.has_peer or state.is_held or state.members[PROCESS].stage is Stage.OUT
        match writer.phase:
            case Phase.IDLE if state.committed == 0:
                yield self._hold(state, member)
            case Phase.HOLDS if writer.is_heard or may_go:
                committed = writer._replace(phase=Phase.COMMITTED)
                yield Step(
                    "the writer: COMMIT", state._replace(committed=state.committed + 1, outbox=True, writer=committed)
                )
            case Phase.COMMITTED:
                yield self._lift(state, member)
            case Phase.TELLS_AGAIN if may_go:
                yield Step("all have acknowledged", state._replace(writer=writer._replace(phase=Phase.LIFTED)))
            case Phase.LIFTED:
                done = state._replace(hold=False, acknowledged=state.committed, writer=Writer())
                yield Step("the write is acknowledged", done)
        if writer.phase is not Phase.HOLDS:
            for number, server in enumerate(state.servers):
                if server.is_held:
                    yield Step(
                        f"holds in server {number} run out", with_server(state, number, server._replace(is_held=False))
                    )

    def _hold(self, state: State, member: Member) -> Step[State]:
        is_heard = member.stage is Stage.SERVES
        if is_heard:
            state = self._new_token(state, member.server, is_held=True)
        if self._has[Part.HEARD_IN_FORCE]:
            is_heard = is_heard and member.epoch == state.in_force[1]
        has_peer = state.members[PROCESS].stage is not Stage.OUT
        writer = Writer(Phase.HOLDS, is_heard, 0 if is_heard else state.in_force[1], has_peer)
        how = f"is heard by server {member.server}" if is_heard else "holds with all peers"
        return Step(f"the writer {how}", state._replace(hold=not is_heard, writer=writer))

    def _lift(self, state: State, member: Member) -> Step[State]:
        writer = state.writer
        is_lifted = member.stage is Stage.SERVES
        if is_lifted:
            state = self._new_token(state, member.server, is_held=False)
            is_lifted = writer.is_heard or member.epoch == writer.epoch
        if is_lifted:
            state = state._replace(outbox=False)
        is_done = is_lifted or state.hold
        phase = Phase.LIFTED if is_done else Phase.TELLS_AGAIN
        after = state._replace(hold=state.hold or not is_done, writer=writer._replace(phase=phase))
        return Step("the writer lifts" if is_lifted else "the writer cannot lift, holds with all peers", after)
