"""All SQL of accounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Double, RowMapping, cast, delete, func, select, update

from mina_api.auth.models import ApiKey, Membership, RefreshToken, SignIn, User, Workspace
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


async def find_newest_sign_in(session: ReadSession, user_id: int) -> int | None:
    """The id of a user's newest sign-in that was not revoked."""
    newest = select(func.max(SignIn.id)).where(SignIn.user_id == user_id, SignIn.revoked_at.is_(None))
    return (await session.execute(newest)).scalar_one()


async def load_account(session: ReadSession, user_id: int, workspace_id: int) -> RowMapping | None:
    """A user and their role in a workspace that they are in."""
    statement = (
        select(User.id, User.email, User.name, Workspace.name.label("workspace_name"), Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .join(Workspace, Workspace.id == Membership.workspace_id)
        .where(User.id == user_id, Workspace.id == workspace_id)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def load_key_holder(session: ReadSession, user_id: int, digest: bytes) -> Mapping[str, Any] | None:
    """User, workspace and role behind an API key, with its scope and its end in seconds since the epoch."""
    statement = (
        select(
            User.id,
            User.email,
            User.name,
            Workspace.id.label("workspace_id"),
            Workspace.name.label("workspace_name"),
            Membership.role,
            ApiKey.id.label("api_key_id"),
            ApiKey.scope,
            cast(func.extract("epoch", ApiKey.expires_at), Double).label("expires"),
        )
        .join(ApiKey, ApiKey.user_id == User.id)
        .join(Workspace, Workspace.id == ApiKey.workspace_id)
        .join(Membership, (Membership.user_id == User.id) & (Membership.workspace_id == Workspace.id))
        .where(User.id == user_id, ApiKey.digest == digest)
    )
    row = (await session.execute(statement)).mappings().one_or_none()
    return dict(row) if row is not None else None


async def list_api_keys(session: ReadSession, user_id: int, *, offset: int, limit: int) -> tuple[Sequence[ApiKey], int]:
    """One page of a user's keys, the newest first, and how many there are in all."""
    mine = ApiKey.user_id == user_id
    total = (await session.execute(select(func.count()).select_from(ApiKey).where(mine))).scalar_one()
    page = select(ApiKey).where(mine).order_by(ApiKey.id.desc()).offset(offset).limit(limit)
    return (await session.execute(page)).scalars().all(), total


async def delete_api_key(session: WriteSession, user_id: int, api_key_id: int) -> bool:
    """Delete one of a user's keys; whether it was there."""
    gone = delete(ApiKey).where(ApiKey.id == api_key_id, ApiKey.user_id == user_id).returning(ApiKey.id)
    return (await session.execute(gone)).first() is not None


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
