"""Who is in a session, and whether they still may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Integer, bindparam, func, select

from mina_api.auth.models import ApiKey, KeyScope, Membership, Role, SignIn
from mina_api.db.session import ReadSession


@dataclass(frozen=True, slots=True)
class Participant:
    """A user in a session of a workspace, by a sign-in or by an API key."""

    user_id: int
    workspace_id: int
    sign_in_id: int | None
    api_key_id: int | None
    may_write: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody may do now: nothing without a valid credential or a membership."""

    is_signed_in: bool
    is_member: bool
    may_write: bool


_BIGINTS = ARRAY(BigInteger)
_given = (
    func.unnest(
        bindparam("numbers", type_=ARRAY(Integer)),
        bindparam("users", type_=_BIGINTS),
        bindparam("workspaces", type_=_BIGINTS),
        bindparam("sign_ins", type_=_BIGINTS),
        bindparam("api_keys", type_=_BIGINTS),
    )
    .table_valued("number", "user_id", "workspace_id", "sign_in_id", "api_key_id", name="given")
    .render_derived()
)
_STANDINGS = (
    select(
        _given.c.number,
        Membership.role,
        (SignIn.id.is_not(None) & SignIn.revoked_at.is_(None)).label("by_sign_in"),
        ApiKey.scope,
        ApiKey.expires_at,
    )
    .select_from(_given)
    .outerjoin(
        Membership,
        (Membership.user_id == _given.c.user_id) & (Membership.workspace_id == _given.c.workspace_id),
    )
    .outerjoin(SignIn, (SignIn.id == _given.c.sign_in_id) & (SignIn.user_id == _given.c.user_id))
    .outerjoin(
        ApiKey,
        (ApiKey.id == _given.c.api_key_id)
        & (ApiKey.user_id == _given.c.user_id)
        & (ApiKey.workspace_id == _given.c.workspace_id),
    )
)


async def read_standings(session: ReadSession, participants: Sequence[Participant], now: datetime) -> list[Standing]:
    """How each participant stands, by one query however many they are."""
    given = {
        "numbers": list(range(len(participants))),
        "users": [each.user_id for each in participants],
        "workspaces": [each.workspace_id for each in participants],
        "sign_ins": [each.sign_in_id for each in participants],
        "api_keys": [each.api_key_id for each in participants],
    }
    standings = [Standing(False, False, False)] * len(participants)
    for number, role, by_sign_in, scope, expires_at in (await session.execute(_STANDINGS, given)).all():
        by_key = scope is not None and expires_at > now
        is_member = role is not None
        may_write = is_member and role != Role.VIEWER and (by_sign_in or scope == KeyScope.WRITE)
        standings[number] = Standing(by_sign_in or by_key, is_member, may_write)
    return standings
