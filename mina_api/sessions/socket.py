"""`WS /api/sessions/{id}/live`: the door."""

import secrets
from datetime import UTC, datetime

from fastapi import WebSocket
from sqlalchemy.exc import SQLAlchemyError

from mina_api.logs import get_logger
from mina_api.meetings.service import MAX_ID
from mina_api.sessions.connection import TRY_AGAIN, Connection, close
from mina_api.sessions.entrance import UNKNOWN, Refused, admit
from mina_api.sessions.joining import FROM_NOW
from mina_api.sessions.live import Live
from mina_api.sessions.rooms import Closing, Listener
from mina_api.web.routing import Router

logger = get_logger(__name__)

router = Router(prefix="/api/sessions")

CROWDED = Closing(4429, "You have as many connections open as one may: close one, then connect again.")
BAD_SINCE = Closing(1008, "`since` is the position of the last segment that you have.")


@router.websocket("/{session_id}/live")
async def join_session(
    websocket: WebSocket, session_id: str, ticket: str | None = None, since: str | None = None
) -> None:
    """Serve one participant; a refusal is a close code after the handshake, since browsers show no status of one."""
    state = websocket.app.state
    live: Live = state.live
    try:
        number = _number(session_id, MAX_ID, UNKNOWN)
        after = None if since is None else _number(since, FROM_NOW, BAD_SINCE)
        async with live.entrance:
            participant = await admit(
                websocket, number, ticket, state.database, lambda: datetime.fromtimestamp(state.clock.now(), UTC)
            )
    except Refused as refusal:
        return await _refuse(websocket, refusal.closing)
    except (SQLAlchemyError, OSError) as failure:
        logger.error("Postgres cannot answer", cause=type(failure).__name__)
        return await _refuse(websocket, TRY_AGAIN)
    await websocket.accept()
    if live.rooms.connections_of(participant.user_id) >= live.config.most_connections:
        return await close(websocket, CROWDED)
    listener = Listener(
        secrets.randbits(53),
        participant,
        most_messages=live.config.most_messages,
        most_bytes=live.config.most_bytes,
    )
    await Connection(websocket, live, state.database, number, listener).serve(after)
    return None


async def _refuse(websocket: WebSocket, closing: Closing) -> None:
    await websocket.accept()
    await close(websocket, closing)


def _number(text: str, most: int, otherwise: Closing) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > most:
        raise Refused(otherwise)
    return int(text)
