"""Joining a session: where it stands, what was missed since a position, and from there on everything, once."""

from mina_api.sessions.messages import encode
from mina_api.sessions.models import SessionStatus
from mina_api.sessions.rooms import Cursor, Listener, Room, Rooms
from mina_api.sessions.rooms.queries import Changes
from mina_api.sessions.rooms.rooms import ENDED, GONE
from mina_api.sessions.rooms.wire import draft_of, final_of

FROM_NOW = 2**31 - 1
# Of missed segments in the `state` message itself; clients limit what they take in one message. More follow one by one.
STATE_BYTES = 256 * 1024


async def join(rooms: Rooms, room: Room, listener: Listener, since: int | None) -> None:
    """Have `listener` told the session's state, then what it missed, and admit it to `room`.

    What is read in Postgres and what the room tells meet where both know the same: if the room is further by the
    time of the admission, what lies between is read too.
    """
    cursor = Cursor(FROM_NOW if since is None else since, 0, 0)
    is_first = True
    while listener.closing is None:
        changes = await rooms.read(room.session_id, cursor)
        if changes is None:
            listener.close(GONE)
            return
        cursor = changes.cursor
        wires = [final_of(each).wire for each in changes.finals]
        if is_first:
            rest = _send_state(listener, changes, wires)
        else:
            rest = [*wires, *(draft_of(each).wire for each in changes.drafts)]
        is_first = False
        is_admitted = not changes.has_more and listener.has_room_for(len(rest)) and room.admit(listener, cursor)
        for wire in rest:
            if not is_admitted:
                await listener.wait_for_room(1)
            listener.send(wire)
        if changes.status == SessionStatus.ENDED and not changes.has_more:
            listener.close(ENDED)
        if is_admitted:
            return


def _send_state(listener: Listener, changes: Changes, missed: list[str]) -> list[str]:
    """Send the session's state with as much of what was missed as it takes; the rest."""
    count, size = 0, 0
    while count < len(missed) and size + len(missed[count]) <= STATE_BYTES:
        size += len(missed[count])
        count += 1
    state = encode(
        {
            "type": "state",
            **{name: changes.session[name] for name in ("id", "meeting_id", "status", "started_at")},
            "position": changes.cursor.position,
            "participant": listener.participant.user_id,
            "connection": listener.connection_id,
            "speakers": [{"label": each.label, "name": each.name} for each in changes.names if each.name],
        }
    )
    segments = ",".join(missed[:count])
    drafts = ",".join(draft_of(each).wire for each in changes.drafts)
    listener.send(f'{state[:-1]},"drafts":[{drafts}],"segments":[{segments}]}}')
    return missed[count:]
