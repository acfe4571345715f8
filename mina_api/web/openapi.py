"""The published contract: what FastAPI knows of the application, and the rules that hold for all of it.

By rule, and so without a gap: errors are problems of their own media type, `X-Request-ID` comes with every answer,
a body can be malformed or too large, and every body that is sent or answered has an example, made of its fields'.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel

from mina_api.web.problems import MEDIA_TYPE, Problem, phrase

Json = dict[str, Any]
Responses = dict[int | str, Json]

PROBLEM = {"$ref": "#/components/schemas/Problem"}
HEADERS: Mapping[str, Json] = {
    "ETag": {"description": "the version: `If-Match` takes it (RFC 9110 section 8.8.3)", "example": '"m42.3"'},
    "Location": {"description": "where the new object is", "example": "/api/meetings/42"},
    "Idempotency-Replayed": {"description": "`true` for the answer of an earlier request", "example": "true"},
    "Content-Disposition": {"description": "a file's name", "example": 'attachment; filename="meeting-42.vtt"'},
    "Retry-After": {"description": "seconds to wait (RFC 9110 section 10.2.3)", "example": "2"},
    "WWW-Authenticate": {"description": "how to sign in (RFC 6750)", "example": "Bearer"},
    "RateLimit-Policy": {
        "description": "the limits that this request was counted under: `q` requests in any `w` seconds"
        " (draft-ietf-httpapi-ratelimit-headers); not on an answer of the cache, which is not counted",
        "example": '"address";q=120000;w=60, "user";q=60000;w=60',
    },
    "RateLimit": {
        "description": "what is left of each: `r` requests, and more of them in `t` seconds",
        "example": '"address";r=119990;t=42, "user";r=59990;t=42',
    },
    "X-Request-ID": {
        "description": "the request's own, or a new one: it stands in the log",
        "example": "7d6c1f0e9b8a4c53a2f1e0d9c8b7a695",
    },
}
LIMITS = ("RateLimit-Policy", "RateLimit")
SOMETIMES = frozenset(("Idempotency-Replayed", "Content-Disposition", *LIMITS))
# Whoever watches over the service asks as often as they like.
UNLIMITED = ("/ops/health", "/metrics")
SENT_WITH: Mapping[int, tuple[str, ...]] = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
DETAILS: Mapping[int, str] = {
    400: "There was an error parsing the body",
    401: "Sign in first: send an access token as `Authorization: Bearer …`.",
    403: "Your role does not let you do this.",
    404: "There is no such meeting.",
    409: "There is an account of this email already.",
    412: "It has changed since: read it again.",
    413: "The body is larger than 1 MB, the most that is read here.",
    415: "No Content-Encoding is decoded here: send the body as it is.",
    422: "A mistake in the request.",
    429: "More was asked for than the limit allows: wait before the next request.",
    503: "The database cannot answer now.",
    504: "Nothing stored.",
}
PLAIN: Mapping[str, Any] = {"null": None, "boolean": True, "integer": 3, "number": 0.5}
FORMATS: Mapping[str, str] = {"date": "2026-11-23", "date-time": "2026-11-24T09:00:00Z"}
MISTAKE = {"loc": ["query", "page"], "message": "Input should be greater than or equal to 1"}


def responses(*statuses: int) -> Responses:
    """OpenAPI's description of the problems that an operation can answer with, and of the headers that they have.

    Without a `model`, of which FastAPI would make a validator for each of them.
    """
    return {status: {**_problem(status), **_with_headers(*SENT_WITH.get(status, ()))} for status in statuses}


def unavailable_as(model: type[BaseModel]) -> Responses:
    """OpenAPI's description of a 503 that says what is wrong in a body of its own."""
    return {503: {"model": model, "description": phrase(503), **_with_headers("Retry-After")}}


def sends(status: int, *names: str) -> Responses:
    """OpenAPI's description of a success that comes with headers, each a key of HEADERS."""
    return {status: _with_headers(*names)}


def _with_headers(*names: str) -> Json:
    headers = {
        name: {**HEADERS[name], "required": name not in SOMETIMES, "schema": {"type": "string"}} for name in names
    }
    return {"headers": headers} if headers else {}


CREATED = sends(201, "ETag", "Location", "Idempotency-Replayed")
VERSIONED = sends(200, "ETag")


def install(app: FastAPI) -> None:
    """Publish `app`'s document with what holds for all of its operations."""
    generate = app.openapi

    def publish() -> Json:
        if app.openapi_schema is None:
            _complete(generate())
        return generate()

    app.openapi = publish  # type: ignore[method-assign]


def _complete(document: Json) -> None:
    schemas: Json = document["components"]["schemas"]
    # Without what is null, as FastAPI has all others.
    schemas["Problem"] = jsonable_encoder(Problem.model_json_schema(mode="serialization"), exclude_none=True)
    document["components"]["schemas"] = schemas = dict(sorted(schemas.items()))
    for path, operation in _operations(document):
        if "requestBody" in operation:
            for status in (400, 413, 415):
                operation["responses"].setdefault(str(status), _problem(status))
            _give_examples(operation["requestBody"]["content"], schemas)
        if is_limited := not is_unlimited(path):
            operation["responses"].setdefault("429", {**_problem(429), **_with_headers("Retry-After")})
        for status, response in operation["responses"].items():
            named = ("X-Request-ID", *LIMITS) if is_limited else ("X-Request-ID",)
            response.setdefault("headers", {}).update(_with_headers(*named)["headers"])
            content = response.get("content", {})
            if MEDIA_TYPE in content or content.get("application/json", {}).get("schema") == PROBLEM:
                content = {MEDIA_TYPE: {"schema": PROBLEM, "example": _example_of_problem(int(status), path)}}
                response["content"] = content
            _give_examples(content, schemas)
        operation["responses"] = dict(sorted(operation["responses"].items()))


def is_unlimited(path: str) -> bool:
    """Whether requests to `path` are not limited, whoever sends them."""
    return path.startswith(UNLIMITED)


def _operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            yield path, operation


def _problem(status: int) -> Json:
    return {"description": phrase(status), "content": {MEDIA_TYPE: {"schema": PROBLEM}}}


def _example_of_problem(status: int, path: str) -> Json:
    body: Json = {
        "type": "about:blank",
        "title": phrase(status),
        "status": status,
        "detail": DETAILS[status],
        "instance": path.replace("{", "").replace("}", ""),
    }
    return {**body, "errors": [MISTAKE]} if status == 422 else body


def _give_examples(content: Json, schemas: Json) -> None:
    for media in content.values():
        if "example" not in media and "examples" not in media:
            media["example"] = example_of(media["schema"], schemas)


def example_of(schema: Json, schemas: Json) -> Any:
    """A value that fits a JSON Schema as pydantic writes it: its own example, or one made of its parts' examples.

    Raises LookupError for a schema of which nothing says what its values look like.
    """
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for known in ("examples", "enum"):
        if known in schema:
            return schema[known][0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    if "properties" in schema:
        return {name: example_of(each, schemas) for name, each in schema["properties"].items()}
    if schema.get("type") == "array" and "items" in schema:
        return [example_of(schema["items"], schemas)]
    if schema.get("default") is not None:
        return schema["default"]
    if schema.get("type") in PLAIN:
        return PLAIN[schema["type"]]
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    raise LookupError(f"no example of {schema.get('title', schema)}: give the field one")
