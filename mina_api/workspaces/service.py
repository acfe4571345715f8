"""Decisions about workspaces: who may do what to whom, and that the last owner stays."""

from mina_api.auth.models import Membership, Role, User, Workspace
from mina_api.auth.queries import find_user
from mina_api.db.session import ReadSession, WriteSession
from mina_api.errors import Conflict, Forbidden, NotFound
from mina_api.workspaces import queries
from mina_api.workspaces.schemas import Member, NewMember

UNKNOWN = "There is no such workspace."


async def create_workspace(session: WriteSession, user_id: int, name: str) -> Workspace:
    """A new workspace, owned by a user, who goes on to act in their present one."""
    workspace = Workspace(name=name)
    session.add(workspace)
    await session.flush()
    session.add(Membership(workspace_id=workspace.id, user_id=user_id, role=Role.OWNER))
    await session.flush()
    return workspace


async def enter_workspace(session: WriteSession, user_id: int, workspace_id: int) -> None:
    """Act in another workspace of one's own from now on; raises NotFound."""
    if await queries.find_membership(session, workspace_id, user_id) is None:
        raise NotFound(UNKNOWN)
    await queries.enter(session, user_id, workspace_id)


async def role_in(session: ReadSession, workspace_id: int, user_id: int) -> Role:
    """One's role in a workspace; raises NotFound for one that one is not in."""
    membership = await queries.find_membership(session, workspace_id, user_id)
    if membership is None:
        raise NotFound(UNKNOWN)
    return Role(membership.role)


async def add_member(session: WriteSession, workspace_id: int, user_id: int, new: NewMember) -> Member:
    """Make another user a member; raises Forbidden, NotFound for an unknown address, Conflict for a member."""
    await _as_administrator(session, workspace_id, user_id, new.role)
    user = await find_user(session, new.email)
    if user is None:
        raise NotFound("Nobody with this e-mail address has an account.")
    if await queries.find_membership(session, workspace_id, user.id) is not None:
        raise Conflict("This user is a member already.")
    session.add(Membership(workspace_id=workspace_id, user_id=user.id, role=new.role))
    await session.flush()
    return await _member(session, workspace_id, user.id)


async def change_role(session: WriteSession, workspace_id: int, user_id: int, member_id: int, role: Role) -> Member:
    """Give a member another role; raises Forbidden, NotFound, or Conflict where the last owner would go."""
    membership = await _membership_to_change(session, workspace_id, user_id, member_id, role)
    if membership.role == Role.OWNER and role is not Role.OWNER:
        await _keep_an_owner(session, workspace_id)
    membership.role = role
    await session.flush()
    return await _member(session, workspace_id, member_id)


async def remove_member(session: WriteSession, workspace_id: int, user_id: int, member_id: int) -> None:
    """End a membership, also one's own; who acted in the workspace acts in another of theirs from now on.

    Raises Forbidden, NotFound, or Conflict where the last owner would go.
    """
    if member_id == user_id:
        await _lock(session, workspace_id, user_id)
        membership = await queries.find_membership(session, workspace_id, user_id)
        assert membership is not None  # noqa: S101  (it was there)
    else:
        membership = await _membership_to_change(session, workspace_id, user_id, member_id, Role.VIEWER)
    if membership.role == Role.OWNER:
        await _keep_an_owner(session, workspace_id)
    await session.delete(membership)
    await session.flush()
    user = await session.get_one(User, member_id)
    if user.current_workspace_id == workspace_id:
        others = await queries.list_workspaces(session, member_id)
        if others:
            user.current_workspace_id = others[0]["id"]
        else:
            user.current_workspace_id = (await create_workspace(session, member_id, f"{user.name}'s workspace")).id
        await session.flush()


async def _as_administrator(session: WriteSession, workspace_id: int, user_id: int, role: Role) -> Role:
    """One's own role, which allows to give `role`; the workspace is locked. Raises NotFound or Forbidden."""
    own = await _lock(session, workspace_id, user_id)
    if own not in (Role.OWNER, Role.ADMIN):
        raise Forbidden("Only owners and admins change a workspace's members.")
    if role is Role.OWNER and own is not Role.OWNER:
        raise Forbidden("Only an owner makes owners.")
    return own


async def _lock(session: WriteSession, workspace_id: int, user_id: int) -> Role:
    """One's own role in a workspace that is locked now; raises NotFound for one that one is not in."""
    if not await queries.lock_workspace(session, workspace_id, user_id):
        raise NotFound(UNKNOWN)
    return await role_in(session, workspace_id, user_id)


async def _membership_to_change(
    session: WriteSession, workspace_id: int, user_id: int, member_id: int, role: Role
) -> Membership:
    own = await _as_administrator(session, workspace_id, user_id, role)
    membership = await queries.find_membership(session, workspace_id, member_id)
    if membership is None:
        raise NotFound("There is no such member.")
    if membership.role == Role.OWNER and own is not Role.OWNER:
        raise Forbidden("Only an owner changes an owner.")
    return membership


async def _keep_an_owner(session: WriteSession, workspace_id: int) -> None:
    if await queries.count_owners(session, workspace_id) == 1:
        raise Conflict("The last owner stays: make somebody else an owner first.")


async def _member(session: ReadSession, workspace_id: int, user_id: int) -> Member:
    return Member.model_validate(dict(await queries.find_member(session, workspace_id, user_id) or {}))
