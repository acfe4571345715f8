"""All SQL of meetings; everything is asked within one workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, UnaryExpression, func, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from mina_api.db.session import ReadSession, WriteSession
from mina_api.meetings.models import Meeting, MeetingStatus, TranscriptSearch

SORTS: dict[str, ColumnElement[Any] | InstrumentedAttribute[Any]] = {
    "occurs_at": Meeting.occurs_at,
    "created_at": Meeting.created_at,
    "updated_at": Meeting.updated_at,
    "title": func.lower(Meeting.title),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which meetings of a workspace: by status, words, and when they occur (from inclusive, to exclusive)."""

    status: MeetingStatus | None = None
    q: str | None = None
    occurs_from: datetime | None = None
    occurs_to: datetime | None = None

    def conditions(self, workspace_id: int) -> list[ColumnElement[bool]]:
        """The conditions of a WHERE."""
        found: list[ColumnElement[bool]] = [Meeting.workspace_id == workspace_id]
        if self.status is not None:
            found.append(Meeting.status == self.status)
        if self.q:
            found.append(Meeting.id.in_(_searched(workspace_id, self.q)))
        if self.occurs_from is not None:
            found.append(Meeting.occurs_at >= self.occurs_from)
        if self.occurs_to is not None:
            found.append(Meeting.occurs_at < self.occurs_to)
        return found


def _searched(workspace_id: int, q: str) -> CompoundSelect[int]:
    """The ids of meetings whose title, description, tags or transcript hold `q`, each part by its own index."""
    words = func.websearch_to_tsquery("english", q)
    mine = select(Meeting.id).where(Meeting.workspace_id == workspace_id)
    return union_all(
        mine.where(Meeting.search.bool_op("@@")(words)),
        mine.where(Meeting.tags.contains([q])),
        mine.join(TranscriptSearch, TranscriptSearch.meeting_id == Meeting.id).where(
            TranscriptSearch.search.bool_op("@@")(words)
        ),
    )


async def list_meetings(
    session: ReadSession, workspace_id: int, filters: Filters, sort: str, *, offset: int, limit: int
) -> tuple[Sequence[Meeting], int]:
    """One page of meetings, and how many there are in all; two queries over one snapshot.

    The page is found among ids alone, in an index, so that a deep one reads no row that it skips.
    """
    conditions = filters.conditions(workspace_id)
    total = (await session.execute(select(func.count()).select_from(Meeting).where(*conditions))).scalar_one()
    ids = select(Meeting.id).where(*conditions).order_by(*_order(sort)).offset(offset).limit(limit).subquery()
    page = select(Meeting).join(ids, ids.c.id == Meeting.id).order_by(*_order(sort))
    return (await session.execute(page)).scalars().all(), total


def _order(sort: str) -> tuple[UnaryExpression[Any], UnaryExpression[Any]]:
    """By the column that `sort` names, ties by id; a leading `-` turns both round."""
    column = SORTS[sort.removeprefix("-")]
    return (column.desc(), Meeting.id.desc()) if sort.startswith("-") else (column.asc(), Meeting.id.asc())


async def find_meeting(session: ReadSession, workspace_id: int, meeting_id: int) -> Meeting | None:
    """A meeting of this workspace."""
    statement = select(Meeting).where(Meeting.id == meeting_id, Meeting.workspace_id == workspace_id)
    return (await session.execute(statement)).scalar_one_or_none()


async def lock_meeting(session: WriteSession, workspace_id: int, meeting_id: int) -> Meeting | None:
    """A meeting of this workspace, locked until the end of the transaction."""
    statement = select(Meeting).where(Meeting.id == meeting_id, Meeting.workspace_id == workspace_id).with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()
