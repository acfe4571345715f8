"""The limits' parts: of sign-ins, and of requests."""

from fastapi.requests import HTTPConnection
from fastapi.security.utils import get_authorization_scheme_param

from mina_api.auth.throttling import SignInThrottle
from mina_api.cache.fastapi import is_repeated
from mina_api.ops.access import OpsToken
from mina_api.settings import Settings
from mina_api.web.budgets import Budgets
from mina_api.web.docs_page import DOCS
from mina_api.web.openapi import is_unlimited
from mina_api.web.rate_limits import RateLimiter
from mina_api.web.request_limits import Quotas, RequestLimits

OPERATIONS = "/ops/"


def sign_in_throttle(settings: Settings, limiter: RateLimiter) -> SignInThrottle:
    """The limits of sign-ins."""
    given = settings.auth
    return SignInThrottle(
        limiter,
        attempts=given.sign_in_attempts,
        account_attempts=given.sign_in_account_attempts,
        address_failures=given.sign_in_address_failures,
        seconds=given.sign_in_window_seconds,
    )


def request_limits(settings: Settings, budgets: Budgets, ops_token: OpsToken) -> RequestLimits | None:
    """The limits of requests; None where there are none.

    Free are health, metrics and docs, what the ops token asks for, and what is warmed.
    """
    given = settings.rate
    if not (given.per_user or given.per_key or given.per_address):
        return None
    quotas = Quotas(given.per_user, given.per_key, given.per_address, given.window_seconds)

    def is_free(connection: HTTPConnection) -> bool:
        path = connection.scope["path"]
        if is_unlimited(path) or path.startswith(DOCS) or is_repeated(connection.scope):
            return True
        if not path.startswith(OPERATIONS):
            return False
        _, token = get_authorization_scheme_param(connection.headers.get("authorization"))
        return ops_token.is_given(token)

    return RequestLimits(budgets, quotas, is_free)
