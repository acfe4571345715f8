"""What a cached endpoint adds to its OpenAPI description: the headers of a shared answer, 304 and 504."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

_VERSION = '"9f86d081884c7d65"'


def _header(description: str, example: str) -> Json:
    return {"description": description, "example": example, "required": True, "schema": {"type": "string"}}


HEADERS: Mapping[str, Json] = {
    "ETag": _header("the answer's version: `If-None-Match` takes it (RFC 9110 section 8.8.3)", _VERSION),
    "Cache-Status": _header("where the answer came from (RFC 9211)", "mina; hit; detail=l2; ttl=41"),
    "Cache-Control": _header("a cache of one's own may keep it, and asks before each use", "private, no-cache"),
    "Age": _header("seconds since it was loaded (RFC 9111 section 5.1)", "19"),
    "Vary": _header("what else it depends on", "Authorization"),
}
PROBLEM = {"type": "object", "description": "what went wrong (RFC 9457)"}
NOT_STORED = {"type": "about:blank", "title": "Gateway Timeout", "status": 504, "detail": "Nothing stored."}
RESPONSES: Mapping[int, Json] = {
    200: {"headers": {**HEADERS}},
    304: {"description": "Not Modified: `If-None-Match` names the present version", "headers": {**HEADERS}},
    504: {
        "description": "Gateway Timeout: `Cache-Control: only-if-cached`, and nothing is stored",
        "content": {"application/problem+json": {"schema": PROBLEM, "example": NOT_STORED}},
    },
}
IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "an ETag that one has: 304 without a body if it is still the present one",
    "schema": {"type": "string"},
    "example": _VERSION,
}


def described(options: Mapping[str, Any]) -> Json:
    """A route's options, with what is said here added to them."""
    responses: dict[int | str, Json] = dict(options.get("responses") or {})
    for status, ours in RESPONSES.items():
        given = responses.get(status, {})
        headers = {**ours.get("headers", {}), **given.get("headers", {})}
        responses[status] = {**ours, **given, "headers": headers}
    extra: Json = dict(options.get("openapi_extra") or {})
    extra["parameters"] = [*extra.get("parameters", ()), IF_NONE_MATCH]
    return {**options, "responses": responses, "openapi_extra": extra}
