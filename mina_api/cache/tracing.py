"""Where the cache's steps are told to a tracer, if the program has one: it names them, and knows none itself."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

# Opens a span of a name with attributes; what it gives is entered around the step.
Tracer = Callable[[str, dict[str, Any]], AbstractContextManager[object]]

_NOTHING: AbstractContextManager[object] = nullcontext()
_installed: list[Tracer] = []


def install_tracer(tracer: Tracer | None) -> None:
    """Have `tracer` told of every step of every cache in this process; None ends that."""
    _installed[:] = [tracer] if tracer is not None else []


def span(name: str, **attributes: Any) -> AbstractContextManager[object]:
    """A step: `cache.look_up`, `cache.load`, `cache.store` or `cache.invalidate`."""
    return _installed[0](name, attributes) if _installed else _NOTHING
