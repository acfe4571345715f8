"""`/api/sessions`: meetings as they go on."""

import asyncio
from typing import Annotated

from fastapi import BackgroundTasks, Path, Response

from mina_api.auth.dependencies import Editor, Viewer
from mina_api.auth.idempotency import Repeatable
from mina_api.cache.fastapi import Invalidation, PendingInvalidation, cache_response
from mina_api.meetings.caching import changed_meeting
from mina_api.meetings.service import MAX_ID
from mina_api.sessions import queries, service
from mina_api.sessions.caching import session_of_path, session_tag, speakers_of_path, speakers_tag
from mina_api.sessions.dependencies import DatabaseOfApp, LiveOfApp, SharedReads
from mina_api.sessions.queries import Profile
from mina_api.sessions.schemas import (
    NewSession,
    SessionDetail,
    SpeakerProfiles,
    SpeakerProfilesDetail,
    Ticket,
    Transcription,
    transcription_json,
)
from mina_api.transcripts.observers import Observers
from mina_api.web.clock import Now
from mina_api.web.dependencies import Reads, UnitOfWork
from mina_api.web.idempotency import IdempotentRoute
from mina_api.web.openapi import responses, sends
from mina_api.web.routing import Router

router = Router(prefix="/api/sessions", tags=["Live sessions"], route_class=IdempotentRoute)

SessionId = Annotated[int, Path(ge=1, le=MAX_ID, description="the session's id", examples=[5])]
CREATED = sends(201, "Location", "Idempotency-Replayed")


@router.post("", include_in_schema=False, status_code=201, name="create_session_without_slash")
@router.post(
    "/", status_code=201, summary="Begin a session", responses=CREATED | responses(401, 403, 404, 409, 422, 503)
)
async def create_session(
    new: NewSession,
    editor: Editor,
    _: Repeatable,
    session: UnitOfWork,
    invalidation: Invalidation,
    response: Response,
    now: Now,
) -> SessionDetail:
    """A session of a meeting, which is `live` from now on; a meeting has one at a time."""
    live = await service.create_session(session, editor, new.meeting_id, now())
    invalidation.add(*changed_meeting(editor.workspace_id, new.meeting_id))
    response.headers["Location"] = f"/api/sessions/{live.id}"
    return SessionDetail.of(live)


@router.get("/{session_id}", summary="Read a session", responses=responses(401, 404, 422, 503))
@cache_response(ttl=86400, prefix="session", tags=[session_of_path])
async def get_session(session_id: SessionId, viewer: Viewer, shared: SharedReads) -> SessionDetail:
    """Where a session stands."""
    async with shared(viewer.workspace_id, session_id) as (_, live):
        return SessionDetail.of(live)


@router.post("/{session_id}/end", summary="End a session", responses=responses(401, 403, 404, 422, 503))
async def end_session(
    session_id: SessionId,
    editor: Editor,
    _: Repeatable,
    database: DatabaseOfApp,
    session: UnitOfWork,
    observers: Observers,
    invalidation: Invalidation,
    live_of_app: LiveOfApp,
    background: BackgroundTasks,
    now: Now,
) -> SessionDetail:
    """The session ended: its transcript is the meeting's now, and measured. Ending it again changes nothing."""
    pending = PendingInvalidation()
    async with database.write(live_of_app.hooks(pending)) as own:
        if await service.begin_end(own, editor.workspace_id, session_id):
            pending.add(session_tag(session_id))
    live = await service.get_session(session, editor.workspace_id, session_id)
    if await service.finish_end(session, observers, live, now()):
        invalidation.add(session_tag(session_id), *changed_meeting(live.workspace_id, live.meeting_id))
    background.add_task(live_of_app.tell, session_id)
    return SessionDetail.of(live)


@router.post("/{session_id}/ticket", summary="Get a ticket", responses=responses(401, 404, 422, 503))
async def create_ticket(session_id: SessionId, viewer: Viewer, session: UnitOfWork, now: Now) -> Ticket:
    """What opens `WS /api/sessions/{id}/live?ticket=…`, once, within 30 seconds."""
    ticket = await service.issue_ticket(session, viewer, session_id, now())
    return Ticket(ticket=ticket, expires_in=service.TICKET_SECONDS)


@router.get("/{session_id}/speakers", summary="List a session's speakers", responses=responses(401, 404, 422, 503))
@cache_response(prefix="speaker", tags=[speakers_of_path])
async def list_session_speakers(session_id: SessionId, viewer: Viewer, reads: Reads) -> SpeakerProfilesDetail:
    """Everybody who was heard, or has a profile, by label."""
    async with reads() as session:
        await service.get_session(session, viewer.workspace_id, session_id)
        return SpeakerProfilesDetail.of(await queries.list_speakers(session, session_id))


@router.put(
    "/{session_id}/speakers", summary="Replace a session's profiles", responses=responses(401, 403, 404, 422, 503)
)
async def replace_session_speakers(
    session_id: SessionId,
    profiles: SpeakerProfiles,
    editor: Editor,
    session: UnitOfWork,
    invalidation: Invalidation,
    live_of_app: LiveOfApp,
    background: BackgroundTasks,
) -> SpeakerProfilesDetail:
    """Exactly these profiles; who was heard and has none stays in the list by their label."""
    live = await service.lock_session(session, editor.workspace_id, session_id)
    given = [Profile(each.label, each.name, each.email) for each in profiles.speakers]
    await service.replace_profiles(session, live, given)
    invalidation.add(speakers_tag(session_id))
    background.add_task(live_of_app.tell, session_id)
    return SpeakerProfilesDetail.of(await queries.list_speakers(session, session_id))


@router.get(
    "/{session_id}/transcription",
    summary="Read what was said",
    response_model=Transcription,
    responses=responses(401, 404, 422, 503),
)
@cache_response(ttl=7200, prefix="transcription", tags=[session_of_path])
async def get_transcription(session_id: SessionId, viewer: Viewer, shared: SharedReads) -> Response:
    """Every final segment so far, in the order that it came."""
    async with shared(viewer.workspace_id, session_id) as (session, live):
        segments = await queries.read_segments(session, session_id)
    return Response(await asyncio.to_thread(transcription_json, live, segments), media_type="application/json")
