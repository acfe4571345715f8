"""Accounts and what they may enter: users, workspaces, memberships, sign-ins with refresh tokens, API keys."""

from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from mina_api.db.base import Base, BigId, CreatedAt, Moment


class Role(StrEnum):
    """What a member may do in a workspace; viewers write nothing."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class KeyScope(StrEnum):
    """What an API key may do: read alone, or what its user may."""

    READ = "read"
    WRITE = "write"


class User(Base):
    """A person with a password; `current_workspace_id` is the workspace that their requests act in."""

    __tablename__ = "users"
    __table_args__ = (Index("uq_users_email_lower", text("lower(email)"), unique=True),)

    id: Mapped[BigId]
    email: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    current_workspace_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("workspaces.id", ondelete="SET NULL")
    )
    created_at: Mapped[CreatedAt]


class Workspace(Base):
    """The owner of meetings: what its members share and nobody else sees."""

    __tablename__ = "workspaces"

    id: Mapped[BigId]
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[CreatedAt]


class Membership(Base):
    """A user's role in a workspace."""

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'admin', 'member', 'viewer')", name="role"),
        Index("ix_memberships_user_id", "user_id"),
    )

    workspace_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    created_at: Mapped[CreatedAt]


class SignIn(Base):
    """One sign-in: the family of its refresh tokens; revoked, it takes its access tokens along."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_user_id", "user_id"),)

    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[Moment | None]


class RefreshToken(Base):
    """A refresh token by its SHA-256; used once, it stays known, so that a second use is noticed."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index("ix_refresh_tokens_sign_in_id", "sign_in_id"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sign_in_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sign_ins.id", ondelete="CASCADE"))
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None]


class ApiKey(Base):
    """A program's key to one workspace, by its SHA-256; it acts for the user who made it, within its scope."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("scope IN ('read', 'write')", name="scope"),
        Index("uq_api_keys_digest", "digest", unique=True),
        Index("ix_api_keys_user_id", "user_id"),
    )

    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    workspace_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    scope: Mapped[str] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Moment]
