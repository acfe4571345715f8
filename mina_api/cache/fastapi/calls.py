"""Calling an endpoint as FastAPI does: awaited, or in a thread where it is not a coroutine function."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from fastapi.concurrency import run_in_threadpool


async def call(endpoint: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """What `endpoint` returns for `values`; raises what it raises."""
    if inspect.iscoroutinefunction(inspect.unwrap(endpoint)) or inspect.iscoroutinefunction(endpoint):
        return await endpoint(**values)
    return await run_in_threadpool(endpoint, **values)


def is_generator(endpoint: Callable[..., Any] | None) -> bool:
    """Whether `endpoint` yields: a dependency that ends with the request, or a streaming answer."""
    if endpoint is None:
        return False
    plain = inspect.unwrap(endpoint)
    return inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain)
