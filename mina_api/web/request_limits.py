"""Limits on what one user, API key or address may ask for, and the fields that tell of them.

What is counted is what costs: writes, endpoints that are not cached, and loads of those that are. An answer from the
cache is never refused, is not counted, and has no fields: it is given also to who has used up everything.
Fields: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11, structured fields of RFC 9651).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.types import Scope

from mina_api.cache.fastapi import is_cached
from mina_api.errors import TooManyRequests
from mina_api.web.addresses import network_of
from mina_api.web.budgets import Budget, Budgets
from mina_api.web.rate_limits import Quota

Header = tuple[bytes, bytes]

REFUSAL = "More was asked for than the limit allows: wait before the next request."


@dataclass(frozen=True, slots=True)
class Quotas:
    """What each may ask for in any `seconds`: a user, by whatever credentials, a single key, an address; 0: anything.

    An address is that of one client, an IPv6 /64 (RFC 6177).
    """

    user: int
    key: int
    address: int
    seconds: int

    def of(self, kind: str) -> Quota | None:
        """The quota of users, keys or addresses; None where they have none."""
        amount: int = getattr(self, kind)
        return Quota(kind, amount, self.seconds) if amount else None


@dataclass(slots=True)
class Account:
    """Who has to pay for a request, and whether they were asked to."""

    budgets: list[Budget] = field(default_factory=list)
    is_shown: bool = False


class RequestLimits:
    """The limits of one application; the cache's `Admission`. `is_free` tells what is not limited at all."""

    def __init__(self, budgets: Budgets, quotas: Quotas, is_free: Callable[[HTTPConnection], bool]) -> None:
        self.budgets = budgets
        self._is_free = is_free
        self.user, self.key, self.address = (quotas.of(kind) for kind in ("user", "key", "address"))

    def begin(self, request: HTTPConnection) -> None:
        """Open a request's account by its address; raises TooManyRequests."""
        if self._is_free(request):
            return
        request.state.account = account = Account()
        if self.address is not None and request.client is not None:
            account.budgets.append(self.budgets.of(self.address, network_of(request.client.host)))
            if not is_cached(request):
                self._pay(account, account.budgets)

    def identify(self, request: HTTPConnection, user_id: int, key_id: int | None) -> None:
        """Add who asks to the account; raises TooManyRequests."""
        account = _account_of(request.scope)
        if account is None:
            return
        own = [self.budgets.of(self.user, str(user_id))] if self.user is not None else []
        if self.key is not None and key_id is not None:
            own.append(self.budgets.of(self.key, str(key_id)))
        account.budgets += own
        if not is_cached(request):
            self._pay(account, own)

    def before_look_up(self, request: HTTPConnection) -> None:
        """Refuse to look credentials up, which may be anybody's guess, for an address that has nothing left."""
        account = _account_of(request.scope)
        if account is not None and is_cached(request) and not all(map(self.budgets.left, account.budgets)):
            raise self._refuse(account)

    def refused(self, request: HTTPConnection) -> None:
        """Count credentials that were wrong, also where an answer of the cache was asked for by them."""
        if is_cached(request):
            self.count(request)

    def admits(self, request: HTTPConnection) -> bool:
        """Whether everybody on the account has something left."""
        account = _account_of(request.scope)
        return account is None or all(map(self.budgets.left, account.budgets))

    def count(self, request: HTTPConnection) -> None:
        """Count one load."""
        account = _account_of(request.scope)
        if account is not None:
            account.is_shown = True
            for budget in account.budgets:
                self.budgets.spend(budget)

    def refusal(self, request: HTTPConnection) -> TooManyRequests:
        """Says when to come back."""
        account = _account_of(request.scope)
        assert account is not None, "who has no account is admitted"  # noqa: S101
        return self._refuse(account)

    def fields(self, scope: Scope) -> list[Header]:
        """The header fields of the answer to a request; none where nothing was counted."""
        account = _account_of(scope)
        if account is None or not account.is_shown:
            return []
        policies = [f'"{each.quota.name}";q={each.quota.amount};w={each.quota.seconds}' for each in account.budgets]
        left = [
            f'"{each.quota.name}";r={self.budgets.left(each)};t={self.budgets.seconds_to_reset(each)}'
            for each in account.budgets
        ]
        return [(b"ratelimit-policy", ", ".join(policies).encode()), (b"ratelimit", ", ".join(left).encode())]

    def _pay(self, account: Account, budgets: list[Budget]) -> None:
        account.is_shown = True
        if not all(map(self.budgets.left, budgets)):
            raise self._refuse(account)
        for budget in budgets:
            self.budgets.spend(budget)

    def _refuse(self, account: Account) -> TooManyRequests:
        account.is_shown = True
        waits = [self.budgets.seconds_to_reset(each) for each in account.budgets if not self.budgets.left(each)]
        return TooManyRequests(REFUSAL, retry_after_seconds=max(waits, default=1))


def _account_of(scope: Scope) -> Account | None:
    account: Account | None = scope.get("state", {}).get("account")
    return account


def limits_of(connection: HTTPConnection) -> RequestLimits | None:
    """The application's limits, where it has some."""
    return getattr(connection.app.state, "admission", None)


async def open_account(connection: HTTPConnection) -> None:
    """Begin every request of an application (a dependency of all of its routes); a WebSocket is no request."""
    limits = limits_of(connection)
    if limits is not None and connection.scope["type"] == "http":
        limits.begin(connection)
