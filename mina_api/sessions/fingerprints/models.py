"""What is kept of audio: its fingerprint for two hours, with the transcription that a client told of it."""

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from mina_api.db.base import Base, BigId, Moment


class Fingerprint(Base):
    """A fingerprint of a session; `transcription` is JSON as text, null where nobody told one."""

    __tablename__ = "live_fingerprints"
    __table_args__ = (
        Index("uq_live_fingerprints_fingerprint", "session_id", "fingerprint", unique=True),
        Index("ix_live_fingerprints_expires_at", "expires_at"),
    )

    id: Mapped[BigId]
    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("live_sessions.id", ondelete="CASCADE"))
    fingerprint: Mapped[str] = mapped_column(Text)
    transcription: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[Moment]


class LandmarkRow(Base):
    """A landmark of a fingerprint's audio; its key is the order in which they are looked for."""

    __tablename__ = "live_landmarks"
    __table_args__ = (Index("ix_live_landmarks_fingerprint_id", "fingerprint_id"),)

    session_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    fingerprint_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("live_fingerprints.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    step: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
