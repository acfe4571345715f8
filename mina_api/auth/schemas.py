"""What accounts look like over HTTP."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, EmailStr, Field, StringConstraints

from mina_api.auth.models import ApiKey, KeyScope, Role
from mina_api.web.text import STORABLE

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), STORABLE]
Password = Annotated[str, StringConstraints(min_length=8, max_length=128), STORABLE]

ACCESS_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjMifQ.signature"  # noqa: S105  (an example)
REFRESH_TOKEN = "17.q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c"  # noqa: S105  (an example)


class Registration(BaseModel):
    """A new account, and the workspace that it begins with."""

    email: EmailStr = Field(max_length=254, examples=["ada@example.com"])
    password: Password = Field(examples=["correct horse battery"])
    name: Name = Field(examples=["Ada Lovelace"])
    workspace: Name | None = Field(None, examples=["Analytical Engines"], description="default: one named after you")


class Refresh(BaseModel):
    """A refresh token to exchange."""

    refresh_token: str = Field(max_length=200, examples=[REFRESH_TOKEN])


class TokenPair(BaseModel):
    """What a sign-in gives: a short-lived access token and the refresh token that gets the next one."""

    access_token: str = Field(examples=[ACCESS_TOKEN])
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  (the type's name, RFC 6750)
    expires_in: int = Field(examples=[900], description="seconds that the access token lives")
    refresh_token: str = Field(examples=[REFRESH_TOKEN])


class WorkspaceOfMine(BaseModel):
    """The workspace that requests act in, and what one may do there."""

    id: int = Field(examples=[7])
    name: str = Field(examples=["Analytical Engines"])
    role: Role = Field(examples=["owner"])


class Me(BaseModel):
    """The account that asks."""

    id: int = Field(examples=[123])
    email: str = Field(examples=["ada@example.com"])
    name: str = Field(examples=["Ada Lovelace"])
    workspace: WorkspaceOfMine


class NewApiKey(BaseModel):
    """A key to make, for the workspace that one acts in now."""

    name: Name = Field(examples=["nightly import"])
    scope: KeyScope = Field(KeyScope.READ, examples=["read"])
    expires_in_days: int = Field(90, strict=True, ge=1, le=365, examples=[90])


class ApiKeyDetail(BaseModel):
    """A key as it is stored: without its secret."""

    id: int = Field(examples=[3])
    name: str = Field(examples=["nightly import"])
    prefix: str = Field(examples=["mina_123_Zk3vQ9"], description="how it begins")
    scope: KeyScope
    workspace_id: int = Field(examples=[7])
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """The representation of `key`."""
        return cls.model_validate(key, from_attributes=True)


class ApiKeyWithSecret(ApiKeyDetail):
    """A new key: the one time that it is shown."""

    key: str = Field(examples=["mina_123_Zk3vQ9…"], description="send it as the Bearer token, or as `X-API-Key`")
