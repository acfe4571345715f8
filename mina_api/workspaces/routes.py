"""`/api/workspaces`: the workspaces one is in, and who else is."""

from typing import Annotated

from fastapi import Path

from mina_api.auth.dependencies import Person, Viewer
from mina_api.auth.idempotency import Repeatable
from mina_api.cache.fastapi import Invalidation, TagContext, cache_response
from mina_api.cache.tags import user_tag
from mina_api.web.dependencies import Reads, UnitOfWork
from mina_api.web.idempotency import IdempotentRoute
from mina_api.web.openapi import responses
from mina_api.web.pagination import Page, Paging
from mina_api.web.routing import Router
from mina_api.workspaces import queries, service
from mina_api.workspaces.schemas import (
    Member,
    NewMember,
    RoleChange,
    WorkspaceChoice,
    WorkspaceDetail,
    WorkspaceFields,
)

router = Router(prefix="/api/workspaces", tags=["Workspaces"], route_class=IdempotentRoute)

MAX_ID = 2**63 - 1
WorkspaceId = Annotated[int, Path(ge=1, le=MAX_ID, description="the workspace's id", examples=[7])]
UserId = Annotated[int, Path(ge=1, le=MAX_ID, description="the member's user id", examples=[124])]


def members_tag(workspace_id: int) -> str:
    """The lists of a workspace's members."""
    return f"ws:{workspace_id}:members"


def _members_of_path(context: TagContext) -> str:
    return members_tag(context.params["workspace_id"])


@router.get("", include_in_schema=False, name="list_workspaces_without_slash")
@router.get("/", summary="List my workspaces", responses=responses(401, 503))
@cache_response(ttl=300, prefix="session")
async def list_workspaces(viewer: Viewer, reads: Reads) -> list[WorkspaceDetail]:
    """The workspaces that one is a member of, oldest membership first."""
    async with reads() as session:
        rows = await queries.list_workspaces(session, viewer.id)
    return [WorkspaceDetail(**row, current=row["id"] == viewer.workspace_id) for row in rows]


@router.post("", include_in_schema=False, status_code=201, name="create_workspace_without_slash")
@router.post("/", status_code=201, summary="Create a workspace", responses=responses(401, 403, 422, 503))
async def create_workspace(
    fields: WorkspaceFields, viewer: Person, _: Repeatable, session: UnitOfWork, invalidation: Invalidation
) -> WorkspaceDetail:
    """A new workspace, owned by who asks; requests act in it once it is made current."""
    workspace = await service.create_workspace(session, viewer.id, fields.name)
    invalidation.add(user_tag(viewer.id))
    return WorkspaceDetail.model_validate(
        {"id": workspace.id, "name": workspace.name, "role": "owner", "current": False}
    )


@router.put("/current", status_code=204, summary="Act in a workspace", responses=responses(401, 403, 404, 422, 503))
async def enter_workspace(
    choice: WorkspaceChoice, viewer: Person, session: UnitOfWork, invalidation: Invalidation
) -> None:
    """From the next request on, by every worker, one's requests act in this workspace."""
    await service.enter_workspace(session, viewer.id, choice.workspace_id)
    invalidation.add(user_tag(viewer.id))


@router.get("/{workspace_id}/members", summary="List members", responses=responses(401, 404, 422, 503))
@cache_response(ttl=300, prefix="session", tags=[_members_of_path])
async def list_members(workspace_id: WorkspaceId, viewer: Viewer, reads: Reads, paging: Paging) -> Page[Member]:
    """A page of a workspace's members, by name."""
    async with reads() as session:
        await service.role_in(session, workspace_id, viewer.id)
        rows, total = await queries.list_members(session, workspace_id, offset=paging.offset, limit=paging.per_page)
    return Page[Member].of([Member.model_validate(dict(row)) for row in rows], paging, total)


@router.post(
    "/{workspace_id}/members",
    status_code=201,
    summary="Add a member",
    responses=responses(401, 403, 404, 409, 422, 503),
)
async def add_member(
    workspace_id: WorkspaceId,
    new: NewMember,
    viewer: Person,
    _: Repeatable,
    session: UnitOfWork,
    invalidation: Invalidation,
) -> Member:
    """Somebody with an account, by their address; admins and owners may, and only owners make owners."""
    member = await service.add_member(session, workspace_id, viewer.id, new)
    invalidation.add(user_tag(member.user_id), members_tag(workspace_id))
    return member


@router.put(
    "/{workspace_id}/members/{user_id}",
    summary="Change a member's role",
    responses=responses(401, 403, 404, 409, 422, 503),
)
async def change_role(
    workspace_id: WorkspaceId,
    user_id: UserId,
    change: RoleChange,
    viewer: Person,
    session: UnitOfWork,
    invalidation: Invalidation,
) -> Member:
    """The member with another role, from their next request on; the last owner stays one."""
    member = await service.change_role(session, workspace_id, viewer.id, user_id, change.role)
    invalidation.add(user_tag(user_id), members_tag(workspace_id))
    return member


@router.delete(
    "/{workspace_id}/members/{user_id}",
    status_code=204,
    summary="Remove a member, or leave",
    responses=responses(401, 403, 404, 409, 422, 503),
)
async def remove_member(
    workspace_id: WorkspaceId, user_id: UserId, viewer: Person, session: UnitOfWork, invalidation: Invalidation
) -> None:
    """They see nothing of the workspace from their next request on; the last owner stays."""
    await service.remove_member(session, workspace_id, viewer.id, user_id)
    invalidation.add(user_tag(user_id), members_tag(workspace_id))
