"""Rollups: what analytics needs of a meeting's segments, computed once when they change.

All times are integer milliseconds; ratios are fractions of 1, null where API.md says null.
"""

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from mina_api.db.base import Base


class MeetingRollup(Base):
    """One meeting's measures that depend on its segments alone."""

    __tablename__ = "meeting_rollups"

    meeting_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    speech_ms: Mapped[int] = mapped_column(BigInteger)
    overlap_ms: Mapped[int] = mapped_column(BigInteger)
    talk_ms: Mapped[int] = mapped_column(BigInteger)
    top_talk_ms: Mapped[int] = mapped_column(BigInteger)
    words: Mapped[int] = mapped_column(Integer)
    turns: Mapped[int] = mapped_column(Integer)
    questions: Mapped[int] = mapped_column(Integer)
    patience_ms: Mapped[float | None] = mapped_column(Double)
    participation_equity: Mapped[float | None] = mapped_column(Double)


class SpeakerRollup(Base):
    """One speaker's measures in one meeting; `speaker` is the label at the time of the computation."""

    __tablename__ = "speaker_rollups"
    __table_args__ = (Index("ix_speaker_rollups_workspace_id", "workspace_id", "meeting_id"),)

    meeting_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    workspace_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workspaces.id", ondelete="CASCADE"))
    speaker: Mapped[str] = mapped_column(Text)
    talk_ms: Mapped[int] = mapped_column(BigInteger)
    longest_monologue_ms: Mapped[int] = mapped_column(BigInteger)
    turns: Mapped[int] = mapped_column(Integer)
    words: Mapped[int] = mapped_column(Integer)
    fillers: Mapped[int] = mapped_column(Integer)
    questions: Mapped[int] = mapped_column(Integer)
    interruptions: Mapped[int] = mapped_column(Integer)
