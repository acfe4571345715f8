"""Whether something wraps FastAPI's own steps, as instruments of tracing do: those are to see each request then."""

from types import FunctionType
from typing import Any

from fastapi import routing
from starlette.routing import Route

# Of `fastapi.routing`.
STEPS = ("request_response", "get_request_handler", "solve_dependencies", "run_endpoint_function")


def wrap_fastapi() -> bool:
    """Whether any step between a route and its endpoint is not FastAPI's or Starlette's own function now."""
    of_a_route = (Route.handle, routing.APIRoute.handle, routing.APIRoute.get_route_handler)
    return not all(map(_is_its_own, (*of_a_route, *(vars(routing)[name] for name in STEPS))))


def _is_its_own(step: Any) -> bool:
    if type(step) is not FunctionType:
        return False
    # What wraps it may have taken its name, and not its code.
    path = step.__code__.co_filename.replace("\\", "/")
    return path.endswith(step.__module__.replace(".", "/") + ".py")
