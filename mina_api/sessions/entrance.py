"""Who may join a session: by a ticket, an access token or an API key; refused with a close code, not an HTTP status."""

from collections.abc import Callable
from datetime import datetime

from fastapi import WebSocket
from fastapi.security.utils import get_authorization_scheme_param

from mina_api.auth.dependencies import authenticate
from mina_api.auth.models import Role
from mina_api.db.session import Database
from mina_api.errors import Unauthenticated
from mina_api.sessions import queries, service
from mina_api.sessions.permissions import Participant, read_standings
from mina_api.sessions.rooms import Closing

UNKNOWN = Closing(4404, "There is no such session.")
UNAUTHENTICATED = Closing(4401, "The ticket is not valid: get a new one.")
FORBIDDEN = Closing(4403, "You are no member of this workspace.")


class Refused(Exception):
    """Nobody comes in; `closing` says why."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.reason)
        self.closing = closing


async def admit(
    websocket: WebSocket, session_id: int, ticket: str | None, database: Database, now: Callable[[], datetime]
) -> Participant:
    """Who asks to join a session; raises Refused."""
    if ticket is not None:
        return await _by_ticket(session_id, ticket, database, now())
    return await _by_header(websocket, session_id, database)


async def _by_ticket(session_id: int, ticket: str, database: Database, now: datetime) -> Participant:
    async with database.write() as session:
        taken = await queries.take_ticket(session, service.digest(ticket), session_id, now)
        if taken is None:
            raise Refused(UNAUTHENTICATED)
        live = await queries.read_session(session, session_id)
        assert live is not None, "its ticket was there"  # noqa: S101
        participant = Participant(taken.user_id, live.workspace_id, taken.sign_in_id, taken.api_key_id)
        (standing,) = await read_standings(session, [participant], now)
    if not standing.is_signed_in:
        raise Refused(UNAUTHENTICATED)
    if not standing.is_member:
        raise Refused(FORBIDDEN)
    return Participant(
        taken.user_id, live.workspace_id, taken.sign_in_id, taken.api_key_id, may_write=standing.may_write
    )


async def _by_header(websocket: WebSocket, session_id: int, database: Database) -> Participant:
    scheme, token = get_authorization_scheme_param(websocket.headers.get("authorization"))
    state = websocket.app.state
    try:
        viewer, _, _ = await authenticate(
            token if scheme.lower() == "bearer" else None,
            websocket.headers.get("x-api-key"),
            state.access_tokens,
            state.cache,
            database.read,
        )
    except Unauthenticated as failure:
        raise Refused(Closing(4401, failure.detail)) from None
    async with database.read() as session:
        live = await queries.find_session(session, viewer.workspace_id, session_id)
    if live is None:
        raise Refused(UNKNOWN)
    may_write = viewer.role is not Role.VIEWER
    return Participant(viewer.id, viewer.workspace_id, viewer.sign_in_id, viewer.api_key_id, may_write=may_write)
