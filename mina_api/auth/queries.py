"""All SQL of accounts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from mina_api.auth.models import Membership, RefreshToken, SignIn, User, Workspace
from mina_api.db.session import ReadSession, WriteSession


async def find_user(session: ReadSession, email: str) -> User | None:
    """The user with an e-mail address, in whatever case."""
    return (await session.execute(select(User).where(func.lower(User.email) == email.lower()))).scalar_one_or_none()


async def load_viewer(session: ReadSession, user_id: int, sign_in_id: int) -> Mapping[str, Any] | None:
    """User, workspace and role of a sign-in that was not revoked, in one query."""
    statement = (
        select(
            User.id,
            User.email,
            User.name,
            Workspace.id.label("workspace_id"),
            Workspace.name.label("workspace_name"),
            Membership.role,
        )
        .join(SignIn, SignIn.user_id == User.id)
        .join(Workspace, Workspace.id == User.current_workspace_id)
        .join(Membership, (Membership.user_id == User.id) & (Membership.workspace_id == Workspace.id))
        .where(User.id == user_id, SignIn.id == sign_in_id, SignIn.revoked_at.is_(None))
    )
    row = (await session.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def take_refresh_token(session: WriteSession, digest: bytes) -> tuple[RefreshToken, SignIn] | None:
    """A refresh token and its sign-in, both locked until the end of the transaction."""
    statement = (
        select(RefreshToken, SignIn)
        .join(SignIn, SignIn.id == RefreshToken.sign_in_id)
        .where(RefreshToken.digest == digest)
        .with_for_update()
    )
    row = (await session.execute(statement)).one_or_none()
    return (row[0], row[1]) if row is not None else None


async def revoke_sign_in(session: WriteSession, sign_in_id: int, now: datetime) -> None:
    """End a sign-in: none of its tokens is accepted any more."""
    await session.execute(update(SignIn).where(SignIn.id == sign_in_id).values(revoked_at=now))
