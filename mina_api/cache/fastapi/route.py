"""The route class that reads the marks of `cache_response` and `invalidate_cache`.

First the request is authenticated, authorised and validated by the endpoint's own dependencies, as FastAPI does it.
Only then, in place of the endpoint, the look-up runs; so no answer and no 304 goes to anybody unknown.
"""

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import wraps
from types import TracebackType
from typing import Any, NamedTuple

from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.requests import HTTPConnection
from fastapi.routing import (
    APIRoute,
    _effective_route_context_var,
    _get_scope_effective_route_context,
    iter_route_contexts,
)
from starlette.types import Receive, Scope, Send

from mina_api.cache.fastapi import instruments
from mina_api.cache.fastapi.answers import Answering
from mina_api.cache.fastapi.calls import caller, is_generator
from mina_api.cache.fastapi.documentation import described
from mina_api.cache.fastapi.identity import identity_of
from mina_api.cache.fastapi.parameters import walk
from mina_api.cache.fastapi.pending import pending_of
from mina_api.cache.fastapi.plan import CachePlan, InvalidationPlan, UnsafeCaching, endpoint_label
from mina_api.cache.fastapi.solving import Solver, is_solvable
from mina_api.cache.fastapi.state import cache_of
from mina_api.cache.marks import CACHED, INVALIDATES, Caching, Invalidating

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

REQUEST = "mina_cache_request"
RESPONSE = "mina_cache_response"
# Where a route has its direct way, as it is itself or by way of a router.
DIRECT = "__mina_direct__"


class _Direct(NamedTuple):
    """Serving a cached endpoint without what FastAPI keeps for dependencies that yield: a cached one has none."""

    solver: Solver
    answering: Answering


class CachedRoute(APIRoute):
    """An APIRoute whose endpoint may be marked as cached or as invalidating; an unmarked GET is left alone."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        is_cached = hasattr(endpoint, CACHED)
        super().__init__(path, endpoint, **(described(options) if is_cached else options))

    def get_route_handler(self) -> Handler:
        """The handler; raises UnsafeCaching, at start-up, for an endpoint that must not be cached."""
        caching: Caching | None = getattr(self.endpoint, CACHED, None)
        marks: tuple[Invalidating, ...] = getattr(self.endpoint, INVALIDATES, ())
        route: Any = self._effective()
        if caching is not None:
            # Who overrides this, or wraps FastAPI's steps, has a part in each request.
            is_direct = type(self).get_route_handler is CachedRoute.get_route_handler and not instruments.wrap_fastapi()
            _look_up_first(route, caching, is_direct=is_direct)
            return super().get_route_handler()
        if marks:
            _announce_first(route, marks)
        handler = super().get_route_handler()
        return self.around(handler if self.methods == {"GET"} and not marks else _invalidating(handler))

    def around(self, handler: Handler) -> Handler:
        """`handler`, of an endpoint that is not cached, with what a route class of one's own adds to it."""
        return handler

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request that was routed here (ASGI 3).

        What is raised on the direct way goes to the application's exception handlers, which Starlette asks further
        out as well.
        """
        context = _get_scope_effective_route_context(scope)
        route = context if context is not None and context.original_route is self else self
        direct: _Direct | None = getattr(route, DIRECT, None)
        if direct is not None and scope["method"] == "GET":
            request = Request(scope, receive, send)
            solved = await direct.solver.solve(request)
            if solved is not None:
                response = await direct.answering.answer(request, solved.response, solved.values)
                await response(scope, receive, send)
                return
        await super().handle(scope, receive, send)

    def _effective(self) -> Any:
        """This route, or what it is by way of the router that includes it (its prefix and dependencies)."""
        context = _effective_route_context_var.get()
        return context if context is not None and context.original_route is self else self


def is_cached(request: HTTPConnection) -> bool:
    """Whether the endpoint that a request was routed to is marked as cached."""
    return hasattr(request.scope.get("endpoint"), CACHED)


def cached_endpoints(application: FastAPI) -> Mapping[str, Caching]:
    """The marks of all cached endpoints, by the endpoints' names in keys."""
    endpoints = (each.endpoint for each in iter_route_contexts(application.routes))
    return {endpoint_label(each): getattr(each, CACHED) for each in endpoints if each and hasattr(each, CACHED)}


def _look_up_first(route: Any, caching: Caching, *, is_direct: bool) -> None:
    dependant = route.dependant
    endpoint = dependant.call
    if route.methods != {"GET"}:
        raise UnsafeCaching(f"{endpoint.__name__}: only GET is cached, not {', '.join(sorted(route.methods))}")
    for each in walk(dependant):
        if is_generator(each.call):
            raise UnsafeCaching(
                f"{endpoint.__name__}: {getattr(each.call, '__name__', each.call)} yields, but a cached load may "
                "outlive its request: let the endpoint open what it needs itself"
            )
    answering = Answering(CachePlan(caching, endpoint, route), route, endpoint)
    if is_direct and is_solvable(dependant) and route.max_body_size is None:
        setattr(route, DIRECT, _Direct(Solver(dependant, route.dependency_overrides_provider), answering))
    _answer_in_its_place(dependant, endpoint, answering)


def _answer_in_its_place(dependant: Dependant, endpoint: Callable[..., Any], answering: Answering) -> None:
    """Have FastAPI call `answering` where it would call the `endpoint`."""
    dependant.request_param_name = dependant.request_param_name or REQUEST
    dependant.response_param_name = dependant.response_param_name or RESPONSE
    request_name, response_name = dependant.request_param_name, dependant.response_param_name

    @wraps(endpoint)
    async def answer(**values: Any) -> Response:
        request, response = values[request_name], values[response_name]
        values.pop(REQUEST, None)
        values.pop(RESPONSE, None)
        return await answering.answer(request, response, values)

    dependant.call = answer


def _announce_first(route: Any, marks: tuple[Invalidating, ...]) -> None:
    dependant = route.dependant
    endpoint = dependant.call
    plan, call = InvalidationPlan(marks, dependant), caller(endpoint)
    dependant.request_param_name = dependant.request_param_name or REQUEST
    name = dependant.request_param_name

    @wraps(endpoint)
    async def announce(**values: Any) -> Any:
        request = values[name]
        values.pop(REQUEST, None)
        pending_of(request).add(*plan.tags(request, identity_of(request), cache_of(request), values))
        return await call(**values)

    dependant.call = announce


def _invalidating(handler: Handler) -> Handler:
    """`handler`, after whose success the tags that no commit has taken are invalidated.

    FastAPI leaves the function stack after the handler and before the answer is sent; what is pushed onto it
    first is left last, so this runs after the commit of a function-scoped unit of work.
    """

    async def handle(request: Request) -> Response:
        async def leave(kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> bool:
            tags = pending_of(request).take() if kind is None else ()
            if tags:
                await cache_of(request).invalidate_tags(*tags)
            return False

        stack: AsyncExitStack = request.scope["fastapi_function_astack"]
        stack.push_async_exit(leave)
        return await handler(request)

    return handle
