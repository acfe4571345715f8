"""Live sessions: what is said while a meeting goes on, kept as it comes; ending one makes the meeting's transcript."""

from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from mina_api.db.base import Base, BigId, CreatedAt, Moment


class SessionStatus(StrEnum):
    """Where a session stands; one that is ending takes no segment any more and has no transcript yet."""

    LIVE = "live"
    ENDING = "ending"
    ENDED = "ended"


class LiveSession(Base):
    """A meeting as it goes on; a meeting has at most one that has not ended.

    Whoever stores segments locks this row, so that `position`, the place of the last final segment, grows without a
    gap in the order of the commits: who sees a position sees all before it. `draft_revision` and `speakers_version`
    grow with every change of a draft or a speaker. `is_cached` says that an answer made of the session may be kept
    by the cache, so that the next one who stores a segment has to invalidate it.
    """

    __tablename__ = "live_sessions"
    __table_args__ = (
        CheckConstraint("status IN ('live', 'ending', 'ended')", name="status"),
        Index("uq_live_sessions_open", "meeting_id", unique=True, postgresql_where=text("status <> 'ended'")),
        Index("ix_live_sessions_meeting_id", "meeting_id"),
        Index("ix_live_sessions_workspace_id", "workspace_id"),
    )

    id: Mapped[BigId]
    workspace_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workspaces.id", ondelete="CASCADE"))
    meeting_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("meetings.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(Text, server_default="live")
    started_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]
    active_at: Mapped[CreatedAt]
    position: Mapped[int] = mapped_column(Integer, server_default="0")
    draft_revision: Mapped[int] = mapped_column(BigInteger, server_default="0")
    speakers_version: Mapped[int] = mapped_column(Integer, server_default="0")
    is_cached: Mapped[bool] = mapped_column(Boolean, server_default="false")


class LiveSegment(Base):
    """A final segment at its place in the session; times are milliseconds from the meeting's start.

    `seq` is the sender's own number, `connection_id` the connection that it came over. No key leads to the user: it
    only tells a repeat from a new segment, and the check would cost each of a thousand a second.
    """

    __tablename__ = "live_segments"
    __table_args__ = (Index("uq_live_segments_seq", "session_id", "user_id", "seq", "connection_id", unique=True),)

    session_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("live_sessions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(BigInteger)
    connection_id: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)
    speaker: Mapped[str] = mapped_column(Text)
    start_ms: Mapped[int] = mapped_column(BigInteger)
    end_ms: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str] = mapped_column(Text)


class LiveDraft(Base):
    """What a segment will perhaps say: the newest of a user's under one `seq`, gone with the final one."""

    __tablename__ = "live_drafts"

    session_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("live_sessions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    connection_id: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(BigInteger)
    speaker: Mapped[str] = mapped_column(Text)
    start_ms: Mapped[int] = mapped_column(BigInteger)
    end_ms: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str] = mapped_column(Text)


class LiveSpeaker(Base):
    """A speaker of a session: a label that segments name (`is_heard`), a profile that a client told, or both."""

    __tablename__ = "live_speakers"

    session_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("live_sessions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    label: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    is_heard: Mapped[bool] = mapped_column(Boolean, server_default="false")
    version: Mapped[int] = mapped_column(Integer)


class LiveTicket(Base):
    """A ticket by its SHA-256: who takes it joins the session as the user it was given to, once."""

    __tablename__ = "live_tickets"
    __table_args__ = (Index("ix_live_tickets_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("live_sessions.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    sign_in_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("sign_ins.id", ondelete="CASCADE"))
    api_key_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("api_keys.id", ondelete="CASCADE"))
    expires_at: Mapped[Moment]
