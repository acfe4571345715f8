"""Errors as RFC 9457 problems, all rendered here; never a traceback, a query or a secret in a body."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from asyncpg.exceptions import InterfaceError as DriverError
from asyncpg.exceptions import PostgresConnectionError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import InterfaceError as AdapterError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from mina_api.cache.fastapi.answers import BUSY
from mina_api.cache.loading import TooManyLoads
from mina_api.db.conflicts import is_conflict
from mina_api.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    MinaError,
    NotFound,
    PreconditionFailed,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
)
from mina_api.logs import get_logger

logger = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
# Text that UTF-8 has and Postgres has not: NUL (`character_not_in_repertoire`).
NOT_STORABLE = "22021"
CONFLICT = "Others were changing the same; nothing was changed by this request, which may be sent again."

STATUS: Mapping[type[MinaError], int] = {
    InvalidInput: 422,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    PreconditionFailed: 412,
    UnsupportedMedia: 415,
    TooManyRequests: 429,
    Unavailable: 503,
}


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such meeting."])
    instance: str = Field(examples=["/api/meetings/42"], description="the request's path")
    errors: list[dict[str, Any]] | None = Field(
        None, description="each mistake with its place, where there are several"
    )


def phrase(status: int) -> str:
    """The status's name in RFC 9110, whichever Python this is: before 3.13 it has those of older RFCs."""
    return {413: "Content Too Large", 422: "Unprocessable Content"}.get(status) or HTTPStatus(status).phrase


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    errors: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem response; `errors` only where there are some."""
    title = phrase(status)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail or title,
        "instance": request.url.path,
    }
    if errors:
        body["errors"] = errors
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Render every failure of `app` as a problem."""
    app.add_exception_handler(MinaError, _mina_error)
    app.add_exception_handler(TooManyLoads, _too_many_loads)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(ClientDisconnect, _gone)
    for kind in (OperationalError, AdapterError, DBAPIError, PoolTimeout, PostgresConnectionError, DriverError):
        app.add_exception_handler(kind, _database)
    for refusal in (ConnectionError, TimeoutError):
        app.add_exception_handler(refusal, _database)
    app.add_exception_handler(Exception, _unexpected)


async def _mina_error(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, MinaError)  # noqa: S101  (Starlette's handler type is wider)
    status = next(code for kind, code in STATUS.items() if isinstance(failure, kind))
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if failure.retry_after_seconds is not None or status == 503:
        headers["Retry-After"] = str(failure.retry_after_seconds or RETRY_AFTER_SECONDS)
    return problem(request, status, failure.detail, errors=[dict(each) for each in failure.errors], headers=headers)


async def _too_many_loads(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, TooManyLoads)  # noqa: S101
    return problem(request, 503, BUSY, headers={"Retry-After": str(failure.retry_after_seconds)})


async def _http_exception(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)  # noqa: S101
    detail = failure.detail
    if failure.status_code == 404 and detail == "Not Found":
        detail = "There is nothing at this address."
    headers = dict(failure.headers or {})
    if failure.status_code == 405:
        headers["Allow"] = ", ".join(_allowed_methods(request))
    return problem(request, failure.status_code, detail, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    """Every method of this path; Starlette names those of the first of its routes."""
    routes = request.app.routes
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        if any(
            route.matches({**request.scope, "method": "GET" if method == "HEAD" else method})[0] == Match.FULL
            for route in routes
        )
    ]


async def _validation(request: Request, failure: Exception) -> Response:
    """422, each mistake with its place; what was sent is not repeated, it may be a password."""
    assert isinstance(failure, RequestValidationError)  # noqa: S101
    errors = [{"loc": list(error["loc"]), "message": error["msg"], "type": error["type"]} for error in failure.errors()]
    count = f"{len(errors)} mistakes" if len(errors) > 1 else "A mistake"
    return problem(request, 422, f"{count} in the request.", errors=errors)


async def _gone(request: Request, _: Exception) -> Response:
    """For the log; nobody is there to read it."""
    return problem(request, 400, "The client left before its request was complete.")


async def _database(request: Request, failure: Exception) -> Response:
    if is_conflict(failure):
        # The whole of it was rolled back. What a request did beside it is not known here, so it is not run again.
        logger.warning("a transaction was ended for others' sake", path=request.url.path)
        return problem(request, 503, CONFLICT, headers={"Retry-After": "1"})
    if isinstance(failure, DBAPIError) and getattr(failure.orig, "sqlstate", None) == NOT_STORABLE:
        return problem(request, 422, "Text must not contain the NUL character.")
    if isinstance(failure, DBAPIError) and not _is_outage(failure):
        return await _unexpected(request, failure)
    logger.error("Postgres cannot answer", cause=type(failure).__name__)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return problem(request, 503, "The database cannot answer now.", headers=headers)


def _is_outage(failure: DBAPIError) -> bool:
    """Connection lost (class 08), shutting down (57P), too many connections (53), statement timeout (57014)."""
    if failure.connection_invalidated or isinstance(failure, OperationalError | AdapterError):
        return True
    state = getattr(failure.orig, "sqlstate", None) or ""
    return state.startswith(("08", "57", "53", "25006"))


async def _unexpected(request: Request, failure: Exception) -> Response:
    logger.error("unexpected failure", path=request.url.path, exc_info=failure)
    return problem(request, 500, "Something went wrong on our side; it is noted.")
