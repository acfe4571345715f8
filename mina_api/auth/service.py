"""Decisions about accounts: registering, signing in, refreshing, signing out."""

from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from mina_api.auth import queries
from mina_api.auth.models import Membership, RefreshToken, Role, SignIn, User, Workspace
from mina_api.auth.passwords import Passwords
from mina_api.auth.schemas import Registration, TokenPair
from mina_api.auth.throttling import Attempt, SignInThrottle
from mina_api.auth.tokens import AccessTokens, Claims, digest, new_refresh_token
from mina_api.db.session import WriteSession
from mina_api.errors import Conflict, Unauthenticated
from mina_api.web.dependencies import ReadFactory


class Issuer:
    """Gives out pairs of tokens; `refresh_days` is the life of an unused refresh token."""

    def __init__(self, tokens: AccessTokens, refresh_days: int) -> None:
        self._tokens = tokens
        self._refresh_days = refresh_days

    async def sign_in(self, session: WriteSession, user_id: int, now: datetime) -> TokenPair:
        """A new sign-in of a user."""
        sign_in = SignIn(user_id=user_id)
        session.add(sign_in)
        await session.flush()
        return await self.issue(session, user_id, sign_in.id, now)

    async def issue(self, session: WriteSession, user_id: int, sign_in_id: int, now: datetime) -> TokenPair:
        """The next pair of a sign-in."""
        token = new_refresh_token()
        expires_at = now + timedelta(days=self._refresh_days)
        session.add(RefreshToken(digest=digest(token), sign_in_id=sign_in_id, expires_at=expires_at))
        await session.flush()
        return TokenPair(
            access_token=self._tokens.issue(Claims(user_id, sign_in_id)),
            expires_in=self._tokens.seconds,
            refresh_token=token,
        )


async def register(session: WriteSession, registration: Registration, password_hash: str) -> int:
    """A new user, owner of a new workspace; the user's id. Raises Conflict where the address is taken."""
    workspace = Workspace(name=registration.workspace or f"{registration.name}'s workspace")
    user = User(email=registration.email, name=registration.name, password_hash=password_hash)
    session.add_all([workspace, user])
    try:
        await session.flush()
    except IntegrityError:
        raise Conflict("This e-mail address has an account already.") from None
    user.current_workspace_id = workspace.id
    session.add(Membership(workspace_id=workspace.id, user_id=user.id, role=Role.OWNER))
    await session.flush()
    return user.id


async def check_password(
    reads: ReadFactory, passwords: Passwords, throttle: SignInThrottle, attempt: Attempt, password: str
) -> int:
    """The id of the user with this password.

    Raises Unauthenticated, the same for either mistake, and TooManyRequests. No connection is held while it hashes.
    """
    await throttle.begin(attempt)
    async with reads() as session:
        user = await queries.find_user(session, attempt.email)
    if not await passwords.verify(password, user.password_hash if user else None) or user is None:
        await throttle.fail(attempt)
        raise Unauthenticated("The e-mail address or the password is wrong.")
    await throttle.succeed(attempt)
    return user.id


async def refresh(session: WriteSession, issuer: Issuer, token: str, now: datetime) -> tuple[int, TokenPair | None]:
    """The user and the next pair; no pair where the token was used before, and then its sign-in is revoked.

    A second use means that somebody else has the token (RFC 9700 section 4.14.2). Raises Unauthenticated.
    """
    found = await queries.take_refresh_token(session, digest(token))
    if found is None:
        raise Unauthenticated("The refresh token is not valid.")
    stored, sign_in = found
    if sign_in.revoked_at is not None or stored.expires_at <= now:
        raise Unauthenticated("The refresh token has expired or was revoked.")
    if stored.used_at is not None:
        await queries.revoke_sign_in(session, sign_in.id, now)
        return sign_in.user_id, None
    stored.used_at = now
    return sign_in.user_id, await issuer.issue(session, sign_in.user_id, sign_in.id, now)
