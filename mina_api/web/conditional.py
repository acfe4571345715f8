"""Conditional writes: `If-Match` (RFC 9110 section 13.1.1)."""

import re
from typing import Annotated

from fastapi import Header

from mina_api.errors import PreconditionFailed

IfMatch = Annotated[
    str | None, Header(description="the ETag of the version that is meant; another one is 412", examples=['"m42.3"'])
]

_ENTITY_TAG = re.compile(r'\s*((?:W/)?"[^"]*")\s*(?:,|$)')


def check_if_match(if_match: str | None, etag: str) -> None:
    """Nothing, if `if_match` is absent, `*`, or names `etag` by strong comparison; else raises PreconditionFailed."""
    if if_match is None or if_match.strip() == "*":
        return
    if etag not in (match.group(1) for match in _ENTITY_TAG.finditer(if_match)):
        raise PreconditionFailed("It has changed since: read it again.")
