"""All SQL of workspaces and their members."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, Select, exists, func, select, update

from mina_api.auth.models import Membership, Role, User, Workspace
from mina_api.db.session import ReadSession, WriteSession


async def list_workspaces(session: ReadSession, user_id: int) -> Sequence[RowMapping]:
    """The workspaces of a user, oldest membership first."""
    statement = (
        select(Workspace.id, Workspace.name, Membership.role)
        .join(Membership, Membership.workspace_id == Workspace.id)
        .where(Membership.user_id == user_id)
        .order_by(Membership.created_at, Workspace.id)
    )
    return (await session.execute(statement)).mappings().all()


async def find_membership(session: ReadSession, workspace_id: int, user_id: int) -> Membership | None:
    """A user's membership of a workspace."""
    return await session.get(Membership, (workspace_id, user_id))


async def lock_workspace(session: WriteSession, workspace_id: int, user_id: int) -> bool:
    """Make changes of one workspace's members take turns; False for who is none, and waits for nobody."""
    is_member = exists().where(Membership.workspace_id == workspace_id, Membership.user_id == user_id)
    locked = select(Workspace.id).where(Workspace.id == workspace_id, is_member).with_for_update()
    return (await session.execute(locked)).first() is not None


def _members(workspace_id: int) -> Select[int, str, str, str, datetime]:
    return (
        select(User.id.label("user_id"), User.email, User.name, Membership.role, Membership.created_at.label("since"))
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.workspace_id == workspace_id)
    )


async def list_members(
    session: ReadSession, workspace_id: int, *, offset: int, limit: int
) -> tuple[Sequence[RowMapping], int]:
    """One page of a workspace's members by name, and how many there are in all."""
    mine = Membership.workspace_id == workspace_id
    total = (await session.execute(select(func.count()).select_from(Membership).where(mine))).scalar_one()
    page = _members(workspace_id).order_by(func.lower(User.name), User.id).offset(offset).limit(limit)
    return (await session.execute(page)).mappings().all(), total


async def find_member(session: ReadSession, workspace_id: int, user_id: int) -> RowMapping | None:
    """One member of a workspace."""
    return (await session.execute(_members(workspace_id).where(User.id == user_id))).mappings().one_or_none()


async def count_owners(session: ReadSession, workspace_id: int) -> int:
    """How many owners a workspace has."""
    statement = select(func.count()).where(Membership.workspace_id == workspace_id, Membership.role == Role.OWNER)
    return (await session.execute(statement)).scalar_one()


async def enter(session: WriteSession, user_id: int, workspace_id: int) -> None:
    """Make a workspace the one that a user's requests act in."""
    await session.execute(update(User).where(User.id == user_id).values(current_workspace_id=workspace_id))
