"""Calling an endpoint as FastAPI does: awaited, or in a thread where it is not a coroutine function."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import _is_async_gen_callable, _is_coroutine_callable, _is_gen_callable


def caller(endpoint: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """What calls `endpoint` with values by name, and gives or raises what it does."""
    return endpoint if _is_coroutine_callable(endpoint) else partial(run_in_threadpool, endpoint)


def is_generator(endpoint: Callable[..., Any] | None) -> bool:
    """Whether `endpoint` yields: a dependency that ends with the request, or a streaming answer."""
    return _is_gen_callable(endpoint) or _is_async_gen_callable(endpoint)
