"""Decisions about action items: whose they are, which version is meant."""

from collections.abc import Mapping
from typing import Any

from mina_api.db.session import ReadSession, WriteSession
from mina_api.errors import NotFound
from mina_api.meetings.models import Meeting, Task
from mina_api.meetings.tasks import queries
from mina_api.web.conditional import check_if_match


def etag_of(task: Task) -> str:
    """The entity tag of a task's representation, which changes with its version."""
    return f'"t{task.id}.{task.version}"'


async def get_task(session: ReadSession, workspace_id: int, meeting_id: int, task_id: int) -> Task:
    """A task of a meeting of this workspace; raises NotFound."""
    return _known(await queries.find_task(session, workspace_id, meeting_id, task_id))


async def lock_task(
    session: WriteSession, workspace_id: int, meeting_id: int, task_id: int, if_match: str | None
) -> Task:
    """A task to change, locked; raises NotFound, or PreconditionFailed where another version was meant."""
    task = _known(await queries.lock_task(session, workspace_id, meeting_id, task_id))
    check_if_match(if_match, etag_of(task))
    return task


async def create_task(session: WriteSession, meeting: Meeting, fields: Mapping[str, Any]) -> Task:
    """A new task of `meeting`."""
    task = Task(workspace_id=meeting.workspace_id, meeting_id=meeting.id, **fields)
    session.add(task)
    await session.flush()
    await session.refresh(task)
    return task


async def change_task(session: WriteSession, task: Task, fields: Mapping[str, Any]) -> None:
    """Set `fields`, as a new version."""
    for name, value in fields.items():
        setattr(task, name, value)
    task.version += 1
    await session.flush()
    await session.refresh(task)


def _known(task: Task | None) -> Task:
    if task is None:
        raise NotFound("There is no such task.")
    return task
