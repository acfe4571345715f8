"""Throttling of sign-ins, so that passwords cannot be guessed (OWASP ASVS 5.0, 6.3.1).

Who guesses one account from one address locks out only themselves; an account that many addresses guess at, and
an address that guesses at many accounts, have wider limits. Whether an account exists makes no difference.
"""

from dataclasses import dataclass

from mina_api.errors import TooManyRequests
from mina_api.web.addresses import network_of
from mina_api.web.rate_limits import Quota, RateLimiter


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody at an address who says that an account is theirs."""

    email: str
    address: str


class SignInThrottle:
    """Refuses attempts that are over a quota; an attempt counts from its beginning, so that many at once count too."""

    def __init__(
        self, limiter: RateLimiter, *, attempts: int, account_attempts: int, address_failures: int, seconds: int
    ) -> None:
        self._limiter = limiter
        self._pair = Quota("sign-in", attempts, seconds)
        self._account = Quota("sign-in-account", account_attempts, seconds)
        self._address = Quota("sign-in-address", address_failures, seconds)

    async def begin(self, attempt: Attempt) -> None:
        """Count an attempt, before its password is looked at; raises TooManyRequests."""
        network, email = network_of(attempt.address), attempt.email.strip().lower()
        for wait in (
            await self._limiter.test(self._address, network),
            await self._limiter.hit(self._pair, email, network),
            await self._limiter.hit(self._account, email),
        ):
            if wait is not None:
                raise TooManyRequests(
                    "Too many attempts to sign in: wait before the next one.", retry_after_seconds=wait
                )

    async def fail(self, attempt: Attempt) -> None:
        """The password was wrong, or the account unknown."""
        await self._limiter.hit(self._address, network_of(attempt.address))

    async def succeed(self, attempt: Attempt) -> None:
        """The password was right: the account starts anew."""
        network, email = network_of(attempt.address), attempt.email.strip().lower()
        await self._limiter.clear(self._pair, email, network)
        await self._limiter.clear(self._account, email)
