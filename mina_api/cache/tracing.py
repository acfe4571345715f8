"""Where the cache's steps are told to a tracer, if the program has one: it names them, and knows none itself."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

T = TypeVar("T")

# Opens a span of a name with attributes; what it gives is entered around the step.
Tracer = Callable[[str, dict[str, Any]], AbstractContextManager[object]]

_installed: list[Tracer] = []


def install_tracer(tracer: Tracer | None) -> None:
    """Have `tracer` told of every step of every cache in this process; None ends that."""
    _installed[:] = [tracer] if tracer is not None else []


def traced(step: Awaitable[T], name: str, **attributes: Any) -> Awaitable[T]:
    """`step` itself, told: a `cache.look_up`, `cache.load`, `cache.store` or `cache.invalidate`."""
    return _told(step, name, attributes) if _installed else step


async def _told(step: Awaitable[T], name: str, attributes: dict[str, Any]) -> T:
    with _installed[0](name, attributes):
        return await step
