"""Meetings and their action items."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from mina_api.db.base import Base, BigId, CreatedAt, Moment, UpdatedAt


class MeetingStatus(StrEnum):
    """Where a meeting stands."""

    SCHEDULED = "scheduled"
    LIVE = "live"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Meeting(Base):
    """A meeting of a workspace.

    `version` grows by one with every change that its representation can show, and is its ETag.
    `occurs_at` is what places it in a period: started, else scheduled, else created (API.md).
    `duration_ms` is ended − started where it has both, else `last_end_ms`, the latest end of its segments, else null.
    """

    __tablename__ = "meetings"
    __table_args__ = (
        CheckConstraint("status IN ('scheduled', 'live', 'completed', 'cancelled')", name="status"),
        Index(
            "ix_meetings_workspace_occurs_at",
            "workspace_id",
            text("occurs_at DESC"),
            text("id DESC"),
            postgresql_include=["duration_ms", "status"],
        ),
        Index("ix_meetings_workspace_status", "workspace_id", "status", text("occurs_at DESC"), text("id DESC")),
        Index("ix_meetings_workspace_created_at", "workspace_id", "created_at", "id"),
        Index("ix_meetings_workspace_updated_at", "workspace_id", "updated_at", "id"),
        Index("ix_meetings_workspace_title", "workspace_id", text("lower(title)"), "id"),
        Index("ix_meetings_search", "search", postgresql_using="gin"),
        Index("ix_meetings_tags", "tags", postgresql_using="gin"),
    )

    id: Mapped[BigId]
    workspace_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workspaces.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    status: Mapped[str] = mapped_column(Text, server_default="scheduled")
    scheduled_at: Mapped[Moment | None]
    started_at: Mapped[Moment | None]
    ended_at: Mapped[Moment | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    participants: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    segment_count: Mapped[int] = mapped_column(Integer, server_default="0")
    last_end_ms: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    occurs_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), Computed("COALESCE(started_at, scheduled_at, created_at)", persisted=True)
    )
    duration_ms: Mapped[int | None] = mapped_column(
        BigInteger,
        Computed(
            "CASE WHEN started_at IS NOT NULL AND ended_at IS NOT NULL"
            " THEN round(extract(epoch FROM ended_at - started_at) * 1000)::bigint ELSE last_end_ms END",
            persisted=True,
        ),
    )
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', description), 'B')",
            persisted=True,
        ),
        deferred=True,
    )


class TranscriptSearch(Base):
    """The full-text vector of a meeting's transcript, one row a meeting, replaced with the transcript."""

    __tablename__ = "transcript_search"
    __table_args__ = (Index("ix_transcript_search_search", "search", postgresql_using="gin"),)

    meeting_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    search: Mapped[str] = mapped_column(TSVECTOR)


class Task(Base):
    """An action item of a meeting; `workspace_id` repeats its meeting's, so that counts need no join."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_meeting_id", "meeting_id"),
        Index("ix_tasks_workspace_due", "workspace_id", "done", "due_on"),
    )

    id: Mapped[BigId]
    workspace_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workspaces.id", ondelete="CASCADE"))
    meeting_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("meetings.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(Text)
    assignee: Mapped[str | None] = mapped_column(Text)
    due_on: Mapped[date | None] = mapped_column(Date)
    done: Mapped[bool] = mapped_column(Boolean, server_default="false")
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
