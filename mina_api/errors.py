"""The kinds of failure that Mina's domains raise; nothing here knows of HTTP.

`web/problems.py` renders each kind as an RFC 9457 problem with its status.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class MinaError(Exception):
    """A failure with a sentence for the person who caused it."""

    def __init__(
        self, detail: str, *, errors: Sequence[Mapping[str, Any]] = (), retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)
        self.retry_after_seconds = retry_after_seconds


class InvalidInput(MinaError):
    """The request is well formed but what it says cannot be accepted (422)."""


class Unauthenticated(MinaError):
    """Nobody, or nobody we can believe, is asking (401)."""


class Forbidden(MinaError):
    """The viewer is known and may not do this (403)."""


class NotFound(MinaError):
    """There is no such object for this viewer, whoever else may own one (404)."""


class Conflict(MinaError):
    """The request contradicts what is stored (409)."""


class PreconditionFailed(MinaError):
    """`If-Match` names another version than the stored one (412)."""


class UnsupportedMedia(MinaError):
    """The body's media type is none that this endpoint reads (415)."""


class TooManyRequests(MinaError):
    """The caller is over a limit; `retry_after_seconds` says when to come back (429)."""


class Unavailable(MinaError):
    """Postgres cannot answer now; `retry_after_seconds` says when to come back (503)."""
