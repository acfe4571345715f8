"""`/api/meetings`: a workspace's meetings."""

from typing import Annotated, Literal

from fastapi import Path, Query, Response

from mina_api.auth.dependencies import Editor, Viewer
from mina_api.auth.idempotency import Repeatable
from mina_api.cache.fastapi import Invalidation, cache_response, invalidate_cache
from mina_api.meetings import queries, service
from mina_api.meetings.caching import changed_meeting, meeting_of_path, meetings_of_scope, meetings_tag
from mina_api.meetings.models import MeetingStatus
from mina_api.meetings.queries import Filters
from mina_api.meetings.schemas import MeetingChange, MeetingDetail, MeetingFields
from mina_api.web.conditional import IfMatch
from mina_api.web.dependencies import Reads, UnitOfWork
from mina_api.web.idempotency import IdempotentRoute
from mina_api.web.openapi import CREATED, VERSIONED, responses
from mina_api.web.pagination import Page, Paging
from mina_api.web.routing import Router
from mina_api.web.text import STORABLE_IF_ANY
from mina_api.web.times import Moment

router = Router(prefix="/api/meetings", tags=["Meetings"], route_class=IdempotentRoute)

MeetingId = Annotated[int, Path(ge=1, le=service.MAX_ID, description="the meeting's id", examples=[42])]
Sort = Literal["-occurs_at", "occurs_at", "-created_at", "created_at", "-updated_at", "updated_at", "title", "-title"]


@router.get("", include_in_schema=False, name="list_meetings_without_slash")
@router.get("/", summary="List meetings", responses=responses(401, 422, 503))
@cache_response(ttl=300, prefix="session", tags=[meetings_of_scope])
async def list_meetings(
    viewer: Viewer,
    reads: Reads,
    paging: Paging,
    status: Annotated[MeetingStatus | None, Query(description="only those with this status")] = None,
    q: Annotated[
        str | None,
        Query(max_length=200, description="words of title, description, transcript, or a tag"),
        STORABLE_IF_ANY,
    ] = None,
    occurs_from: Annotated[Moment | None, Query(alias="from", description="not before this moment")] = None,
    occurs_to: Annotated[Moment | None, Query(alias="to", description="before this moment")] = None,
    sort: Annotated[Sort, Query(description="a field; `-` for descending")] = "-occurs_at",
) -> Page[MeetingDetail]:
    """A page of the workspace's meetings, the latest first unless `sort` says otherwise."""
    filters = Filters(status=status, q=q, occurs_from=occurs_from, occurs_to=occurs_to)
    async with reads() as session:
        meetings, total = await queries.list_meetings(
            session, viewer.workspace_id, filters, sort, offset=paging.offset, limit=paging.per_page
        )
    return Page[MeetingDetail].of([MeetingDetail.of(meeting) for meeting in meetings], paging, total)


@router.post("", include_in_schema=False, status_code=201, name="create_meeting_without_slash")
@router.post(
    "/",
    status_code=201,
    summary="Create a meeting",
    responses=CREATED | responses(401, 403, 422, 503),
)
@invalidate_cache(prefix="session")
@invalidate_cache(prefix="analytics")
async def create_meeting(
    fields: MeetingFields,
    editor: Editor,
    _: Repeatable,
    session: UnitOfWork,
    invalidation: Invalidation,
    response: Response,
) -> MeetingDetail:
    """A new meeting of the workspace; `Location` and `ETag` are its own."""
    meeting = await service.create_meeting(session, editor.workspace_id, editor.id, fields.model_dump())
    invalidation.add(meetings_tag(editor.workspace_id))
    response.headers["Location"] = f"/api/meetings/{meeting.id}"
    response.headers["ETag"] = service.etag_of(meeting)
    return MeetingDetail.of(meeting)


@router.get("/{meeting_id}", summary="Read a meeting", responses=responses(401, 404, 422, 503))
@cache_response(ttl=600, prefix="session", tags=[meeting_of_path])
async def get_meeting(meeting_id: MeetingId, viewer: Viewer, reads: Reads, response: Response) -> MeetingDetail:
    """One meeting; its `ETag` is what `If-Match` takes."""
    async with reads() as session:
        meeting = await service.get_meeting(session, viewer.workspace_id, meeting_id)
    response.headers["ETag"] = service.etag_of(meeting)
    return MeetingDetail.of(meeting)


@router.put(
    "/{meeting_id}",
    summary="Replace a meeting",
    responses=VERSIONED | responses(401, 403, 404, 412, 422, 503),
)
async def replace_meeting(
    meeting_id: MeetingId,
    fields: MeetingFields,
    editor: Editor,
    session: UnitOfWork,
    invalidation: Invalidation,
    response: Response,
    if_match: IfMatch = None,
) -> MeetingDetail:
    """The meeting with these fields; what is absent gets its default."""
    meeting = await service.lock_meeting(session, editor.workspace_id, meeting_id, if_match)
    await service.change_meeting(session, meeting, fields.model_dump())
    invalidation.add(*changed_meeting(editor.workspace_id, meeting_id))
    response.headers["ETag"] = service.etag_of(meeting)
    return MeetingDetail.of(meeting)


@router.patch(
    "/{meeting_id}",
    summary="Change a meeting",
    responses=VERSIONED | responses(401, 403, 404, 412, 422, 503),
)
async def update_meeting(
    meeting_id: MeetingId,
    change: MeetingChange,
    editor: Editor,
    session: UnitOfWork,
    invalidation: Invalidation,
    response: Response,
    if_match: IfMatch = None,
) -> MeetingDetail:
    """The meeting with some fields changed; what is absent stays."""
    meeting = await service.lock_meeting(session, editor.workspace_id, meeting_id, if_match)
    await service.change_meeting(session, meeting, change.model_dump(exclude_unset=True))
    invalidation.add(*changed_meeting(editor.workspace_id, meeting_id))
    response.headers["ETag"] = service.etag_of(meeting)
    return MeetingDetail.of(meeting)


@router.delete(
    "/{meeting_id}", status_code=204, summary="Delete a meeting", responses=responses(401, 403, 404, 412, 422, 503)
)
async def delete_meeting(
    meeting_id: MeetingId, editor: Editor, session: UnitOfWork, invalidation: Invalidation, if_match: IfMatch = None
) -> None:
    """Gone, with its transcript and its analytics."""
    meeting = await service.lock_meeting(session, editor.workspace_id, meeting_id, if_match)
    await session.delete(meeting)
    invalidation.add(*changed_meeting(editor.workspace_id, meeting_id))
