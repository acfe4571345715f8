"""All SQL of action items; everything is asked within one workspace's meeting."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from mina_api.db.session import ReadSession, WriteSession
from mina_api.meetings.models import Task


async def list_tasks(session: ReadSession, meeting_id: int, *, offset: int, limit: int) -> tuple[Sequence[Task], int]:
    """One page of a meeting's tasks, open ones first, by due date; and how many there are in all."""
    mine = Task.meeting_id == meeting_id
    total = (await session.execute(select(func.count()).select_from(Task).where(mine))).scalar_one()
    page = (
        select(Task)
        .where(mine)
        .order_by(Task.done, Task.due_on.asc().nulls_last(), Task.id)
        .offset(offset)
        .limit(limit)
    )
    return (await session.execute(page)).scalars().all(), total


async def find_task(session: ReadSession, workspace_id: int, meeting_id: int, task_id: int) -> Task | None:
    """A task of a meeting of this workspace."""
    return (await session.execute(select(Task).where(*_one(workspace_id, meeting_id, task_id)))).scalar_one_or_none()


async def lock_task(session: WriteSession, workspace_id: int, meeting_id: int, task_id: int) -> Task | None:
    """The same, locked until the end of the transaction."""
    statement = select(Task).where(*_one(workspace_id, meeting_id, task_id)).with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()


def _one(workspace_id: int, meeting_id: int, task_id: int) -> tuple[ColumnElement[bool], ...]:
    return Task.id == task_id, Task.meeting_id == meeting_id, Task.workspace_id == workspace_id
