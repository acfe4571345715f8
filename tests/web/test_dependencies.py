from collections.abc import Callable, Iterator
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security import OAuth2PasswordRequestForm

from mina_api.app import create_app
from mina_api.settings import Settings


def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """Everything that FastAPI calls for a request, the endpoint among it."""
    if dependant.call is not None:
        yield dependant.call
    for each in dependant.dependencies:
        yield from calls_of(each)


def runs_in_a_thread(call: Callable[..., Any]) -> bool:
    """Whether FastAPI takes it for blocking."""
    return not any(
        judge(candidate)
        for judge in (iscoroutinefunction, isasyncgenfunction)
        for candidate in (call, type(call).__call__)
    )


class TestDependencies:
    def test_run_on_the_event_loop_where_a_hop_to_a_thread_would_cost_more_than_they_do(
        self, settings: Settings
    ) -> None:
        routes = [each.route for each in iter_route_contexts(create_app(settings).routes)]
        called = {call for each in routes if isinstance(each, APIRoute) for call in calls_of(each.dependant)}

        assert len(called) > 40
        assert {call for call in called if runs_in_a_thread(call)} == {OAuth2PasswordRequestForm}
