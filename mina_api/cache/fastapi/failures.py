"""What the application answers to what an endpoint raises: its own exception handlers say it."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from starlette.exceptions import HTTPException

Handler = Callable[[Request, Exception], Response | Awaitable[Response]]


async def rendered_failure(request: Request, failure: Exception) -> Response | None:
    """The response of the application's handler of `failure`, found as Starlette finds it; None without one."""
    by_type: dict[Any, Handler]
    by_status: dict[int, Handler]
    by_type, by_status = request.scope.get("starlette.exception_handlers", ({}, {}))
    handler = by_status.get(failure.status_code) if isinstance(failure, HTTPException) else None
    if handler is None:
        handler = next((by_type[kind] for kind in type(failure).__mro__ if kind in by_type), None)
    if handler is None:
        return None
    response = handler(request, failure)
    return await response if inspect.isawaitable(response) else response
