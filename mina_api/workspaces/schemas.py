"""What workspaces and their members look like over HTTP."""

from datetime import datetime

from pydantic import BaseModel, EmailStr, Field

from mina_api.auth.models import Role
from mina_api.auth.schemas import Name


class WorkspaceFields(BaseModel):
    """A new workspace."""

    name: Name = Field(examples=["Analytical Engines"])


class WorkspaceChoice(BaseModel):
    """The workspace to act in from now on."""

    workspace_id: int = Field(strict=True, ge=1, le=2**63 - 1, examples=[7])


class WorkspaceDetail(BaseModel):
    """A workspace that one is a member of."""

    id: int = Field(examples=[7])
    name: str = Field(examples=["Analytical Engines"])
    role: Role = Field(description="one's own role in it", examples=["owner"])
    current: bool = Field(description="whether requests act in it", examples=[True])


class NewMember(BaseModel):
    """A user to add, by the address of their account."""

    email: EmailStr = Field(max_length=254, examples=["grace@example.com"])
    role: Role = Field(Role.MEMBER, examples=["member"])


class RoleChange(BaseModel):
    """A member's new role."""

    role: Role = Field(examples=["viewer"])


class Member(BaseModel):
    """Somebody in a workspace."""

    user_id: int = Field(examples=[124])
    email: str = Field(examples=["grace@example.com"])
    name: str = Field(examples=["Grace Hopper"])
    role: Role = Field(examples=["member"])
    since: datetime
