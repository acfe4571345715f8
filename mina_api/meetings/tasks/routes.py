"""`/api/meetings/{id}/tasks`: a meeting's action items."""

from typing import Annotated

from fastapi import Path, Response

from mina_api.auth.dependencies import CurrentUser, Editor, Viewer
from mina_api.auth.idempotency import Repeatable
from mina_api.cache.fastapi import Invalidation, cache_response
from mina_api.cache.fastapi.pending import PendingInvalidation
from mina_api.cache.tags import meeting_tag, scope_tag
from mina_api.meetings.caching import meeting_of_path
from mina_api.meetings.routes import MeetingId
from mina_api.meetings.service import MAX_ID, get_meeting, lock_meeting
from mina_api.meetings.tasks import queries, service
from mina_api.meetings.tasks.schemas import TaskChange, TaskDetail, TaskFields
from mina_api.web.conditional import IfMatch
from mina_api.web.dependencies import Reads, UnitOfWork
from mina_api.web.idempotency import IdempotentRoute
from mina_api.web.openapi import CREATED, VERSIONED, responses
from mina_api.web.pagination import Page, Paging
from mina_api.web.routing import Router

router = Router(prefix="/api/meetings/{meeting_id}/tasks", tags=["Tasks"], route_class=IdempotentRoute)

TaskId = Annotated[int, Path(ge=1, le=MAX_ID, description="the task's id", examples=[9])]


def _clears(invalidation: PendingInvalidation, editor: CurrentUser, meeting_id: int) -> None:
    """A task shows in its meeting's list, and in the workspace's dashboard and overview."""
    invalidation.add(meeting_tag(meeting_id), scope_tag(f"ws:{editor.workspace_id}", "analytics"))


@router.get("", include_in_schema=False, name="list_tasks_without_slash")
@router.get("/", summary="List a meeting's tasks", responses=responses(401, 404, 422, 503))
@cache_response(ttl=600, prefix="session", tags=[meeting_of_path])
async def list_tasks(meeting_id: MeetingId, viewer: Viewer, reads: Reads, paging: Paging) -> Page[TaskDetail]:
    """A page of the meeting's tasks: open ones first, by due date."""
    async with reads() as session:
        await get_meeting(session, viewer.workspace_id, meeting_id)
        tasks, total = await queries.list_tasks(session, meeting_id, offset=paging.offset, limit=paging.per_page)
    return Page[TaskDetail].of([TaskDetail.of(task) for task in tasks], paging, total)


@router.post("", include_in_schema=False, status_code=201, name="create_task_without_slash")
@router.post(
    "/",
    status_code=201,
    summary="Create a task",
    responses=CREATED | responses(401, 403, 404, 422, 503),
)
async def create_task(
    meeting_id: MeetingId,
    fields: TaskFields,
    editor: Editor,
    _: Repeatable,
    session: UnitOfWork,
    invalidation: Invalidation,
    response: Response,
) -> TaskDetail:
    """A new action item of the meeting; `Location` and `ETag` are its own."""
    meeting = await lock_meeting(session, editor.workspace_id, meeting_id, None)
    task = await service.create_task(session, meeting, fields.model_dump())
    _clears(invalidation, editor, meeting_id)
    response.headers["Location"] = f"/api/meetings/{meeting_id}/tasks/{task.id}"
    response.headers["ETag"] = service.etag_of(task)
    return TaskDetail.of(task)


@router.get("/{task_id}", summary="Read a task", responses=responses(401, 404, 422, 503))
@cache_response(ttl=600, prefix="session", tags=[meeting_of_path])
async def get_task(
    meeting_id: MeetingId, task_id: TaskId, viewer: Viewer, reads: Reads, response: Response
) -> TaskDetail:
    """One task; its `ETag` is what `If-Match` takes."""
    async with reads() as session:
        task = await service.get_task(session, viewer.workspace_id, meeting_id, task_id)
    response.headers["ETag"] = service.etag_of(task)
    return TaskDetail.of(task)


@router.put("/{task_id}", summary="Replace a task", responses=VERSIONED | responses(401, 403, 404, 412, 422, 503))
async def replace_task(
    meeting_id: MeetingId,
    task_id: TaskId,
    fields: TaskFields,
    editor: Editor,
    session: UnitOfWork,
    invalidation: Invalidation,
    response: Response,
    if_match: IfMatch = None,
) -> TaskDetail:
    """The task with these fields; what is absent gets its default."""
    task = await service.lock_task(session, editor.workspace_id, meeting_id, task_id, if_match)
    await service.change_task(session, task, fields.model_dump())
    _clears(invalidation, editor, meeting_id)
    response.headers["ETag"] = service.etag_of(task)
    return TaskDetail.of(task)


@router.patch("/{task_id}", summary="Change a task", responses=VERSIONED | responses(401, 403, 404, 412, 422, 503))
async def update_task(
    meeting_id: MeetingId,
    task_id: TaskId,
    change: TaskChange,
    editor: Editor,
    session: UnitOfWork,
    invalidation: Invalidation,
    response: Response,
    if_match: IfMatch = None,
) -> TaskDetail:
    """The task with some fields changed; what is absent stays."""
    task = await service.lock_task(session, editor.workspace_id, meeting_id, task_id, if_match)
    await service.change_task(session, task, change.model_dump(exclude_unset=True))
    _clears(invalidation, editor, meeting_id)
    response.headers["ETag"] = service.etag_of(task)
    return TaskDetail.of(task)


@router.delete(
    "/{task_id}", status_code=204, summary="Delete a task", responses=responses(401, 403, 404, 412, 422, 503)
)
async def delete_task(
    meeting_id: MeetingId,
    task_id: TaskId,
    editor: Editor,
    session: UnitOfWork,
    invalidation: Invalidation,
    if_match: IfMatch = None,
) -> None:
    """Gone."""
    task = await service.lock_task(session, editor.workspace_id, meeting_id, task_id, if_match)
    await session.delete(task)
    _clears(invalidation, editor, meeting_id)
