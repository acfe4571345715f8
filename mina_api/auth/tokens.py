"""Access tokens (RFC 7519, HS256), which say who signed in and when; refresh tokens, which say nothing."""

import hashlib
import secrets
from dataclasses import dataclass

import jwt

from mina_api.auth.signing import SigningKeys
from mina_api.errors import Unauthenticated
from mina_api.web.clock import Clock

AUDIENCE = "mina"


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says, once verified; `expires` is in seconds since the epoch, its issuer sets it."""

    user_id: int
    sign_in_id: int
    expires: float = 0.0


class AccessTokens:
    """Issues and verifies access tokens; `seconds` is their life."""

    def __init__(self, keys: SigningKeys, seconds: int, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self.seconds = seconds

    @property
    def version(self) -> int:
        """Another one whenever the keys are changed: what was verified before need not be good any more."""
        return self._keys.version

    def issue(self, claims: Claims) -> str:
        """A signed token for `claims`."""
        now = int(self._clock.now())
        payload = {
            "sub": str(claims.user_id),
            "sid": str(claims.sign_in_id),
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + self.seconds,
            "jti": secrets.token_urlsafe(8),
        }
        return self._keys.sign(payload)

    def verify(self, token: str) -> Claims:
        """The claims of a token that we signed and that has not expired; raises Unauthenticated."""
        try:
            payload = self._keys.verify(token, AUDIENCE, ("sub", "sid", "exp", "iat", "aud"))
            if float(payload["exp"]) <= self._clock.now():
                raise Unauthenticated("The access token has expired.")
            return Claims(int(payload["sub"]), int(payload["sid"]), float(payload["exp"]))
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Unauthenticated("The access token is not valid.") from None


def new_refresh_token() -> str:
    """256 random bits, as text."""
    return secrets.token_urlsafe(32)


def digest(refresh_token: str) -> bytes:
    """What is stored of a refresh token."""
    return hashlib.sha256(refresh_token.encode()).digest()
