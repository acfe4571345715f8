"""Sessions of the dashboard: a signed cookie (RFC 7519, HS256) that says who signed in, and until when."""

import hashlib
import hmac
from dataclasses import dataclass

import jwt
from fastapi import Response

from mina_api.auth.signing import SigningKeys
from mina_api.auth.tokens import Claims
from mina_api.web.clock import Clock

COOKIE = "mina_ops"
AUDIENCE = "mina-ops"
SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    """Who signed in: a user's sign-in, which may be revoked, or None for who gave the ops token."""

    sign_in: Claims | None


class Cookies:
    """Makes and reads sessions; `keys` sign access tokens too, which are of another audience."""

    def __init__(self, keys: SigningKeys, ops_token: str | None, clock: Clock) -> None:
        self._keys = keys
        self._ops_token = (ops_token or "").encode()
        self._clock = clock

    def give(self, response: Response, session: Session, *, secure: bool) -> None:
        """Have the browser keep `session`: no script reads it, no other site's page sends it."""
        who = session.sign_in
        said = {"ops": self._mark(self._keys.first)} if who is None else {"user": who.user_id, "sid": who.sign_in_id}
        payload = {**said, "aud": AUDIENCE, "exp": int(self._clock.now()) + SECONDS}
        response.set_cookie(
            COOKIE,
            self._keys.sign(payload),
            max_age=SECONDS,
            path="/ops",
            httponly=True,
            samesite="strict",
            secure=secure,
        )

    def read(self, cookie: str) -> Session | None:
        """The session, None if it is not ours or has ended."""
        try:
            said = self._keys.verify(cookie, AUDIENCE, ("exp", "aud"))
            if float(said["exp"]) <= self._clock.now():
                return None
            if "ops" in said:
                marks = [self._mark(key) for key in self._keys]
                return Session(None) if any(hmac.compare_digest(str(said["ops"]), mark) for mark in marks) else None
            return Session(Claims(int(said["user"]), int(said["sid"])))
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError):
            return None

    def _mark(self, key: str) -> str:
        """What a session by the ops token holds: it ends with that token."""
        return hmac.new(key.encode(), self._ops_token, hashlib.sha256).hexdigest()[:32]
