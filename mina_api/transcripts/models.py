"""A transcript: its speakers and its segments."""

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from mina_api.db.base import Base


class Speaker(Base):
    """A speaker of one meeting; segments point at `position`, so that a rename touches one row."""

    __tablename__ = "speakers"
    __table_args__ = (Index("uq_speakers_meeting_id_label", "meeting_id", "label", unique=True),)

    meeting_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(Text)


class Segment(Base):
    """One utterance; times are milliseconds from the meeting's start, `position` is its place in order."""

    __tablename__ = "segments"

    meeting_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    speaker: Mapped[int] = mapped_column(SmallInteger)
    start_ms: Mapped[int] = mapped_column(BigInteger)
    end_ms: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str] = mapped_column(Text)
