"""A Solver beside FastAPI's own `solve_dependencies`: the same values, the same calls in the same order, or nothing."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import date
from enum import Enum
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Cookie, Depends, Header, HTTPException, Query, Request, Response, Security
from fastapi.dependencies.utils import get_dependant, solve_dependencies
from fastapi.requests import HTTPConnection
from fastapi.security import HTTPBearer, SecurityScopes
from pydantic import BaseModel, Field
from starlette.datastructures import QueryParams

from mina_api.cache.fastapi.solving import Solver, is_solvable, query_of

bearer = HTTPBearer(auto_error=False)
calls: list[str] = []


class Order(Enum):
    NEWEST = "newest"
    OLDEST = "oldest"


class Filter(BaseModel):
    text: str = ""
    limit: int = Field(10, ge=1)


async def number_of_calls() -> int:
    calls.append("number_of_calls")
    return len(calls)


def user(request: Request, x_user: Annotated[str, Header()] = "nobody") -> str:
    calls.append("user")
    return f"{x_user} at {request.url.path}"


async def admin(who: Annotated[str, Depends(user)], level: Annotated[int, Query(ge=1)] = 1) -> str:
    calls.append("admin")
    return f"{who}, {level}"


async def refused() -> None:
    calls.append("refused")
    raise HTTPException(403)


async def marking(response: Response) -> None:
    response.headers["X-Marked"] = "yes"
    response.status_code = 203


class Page:
    """A dependency that is a class."""

    def __init__(self, page: int = 1, per_page: int = 20) -> None:
        calls.append("Page")
        self.bounds = (page, per_page)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Page) and other.bounds == self.bounds

    def __hash__(self) -> int:
        return hash(self.bounds)


async def nothing() -> None: ...


async def plain(n: int, q: str, flag: bool = False, day: date | None = None, order: Order = Order.NEWEST) -> None: ...


async def lists(tags: Annotated[list[str], Query()] = [], ids: Annotated[set[int] | None, Query()] = None) -> None: ...  # noqa: B006


async def model(found: Annotated[Filter, Query()]) -> None: ...


async def model_and_more(found: Annotated[Filter, Query()], q: str = "") -> None: ...


async def aliased(
    name: Annotated[str, Query(alias="by-name", min_length=2)], x_long_name: Annotated[int, Header()]
) -> None: ...


async def of_a_cookie(session: Annotated[str | None, Cookie()] = None, seen: Annotated[int, Cookie()] = 0) -> None: ...


async def of_a_factory(
    rows: Annotated[list[int], Query(default_factory=list)], x: Annotated[dict[str, int] | None, Header()] = None
) -> None: ...


async def nested(who: Annotated[str, Depends(admin)], again: Annotated[str, Depends(user)], level: int = 3) -> None: ...


async def uncached(
    first: Annotated[int, Depends(number_of_calls, use_cache=False)],
    second: Annotated[int, Depends(number_of_calls)],
    third: Annotated[int, Depends(number_of_calls, use_cache=False)],
    fourth: Annotated[int, Depends(number_of_calls)],
) -> None: ...


async def of_a_class(page: Annotated[Page, Depends()], request: Request, connection: HTTPConnection) -> None: ...


async def marked(_: Annotated[None, Depends(marking)], response: Response, q: int) -> None: ...


async def of_a_scheme(
    token: Annotated[Any, Depends(bearer)], scoped: Annotated[Any, Security(user, scopes=["a"])]
) -> None: ...


async def refusing(_: Annotated[None, Depends(refused)], n: int, q: int) -> None: ...


async def within(who: Annotated[str, Depends(admin)], q: int) -> None: ...


ENDPOINTS = (
    *(nothing, plain, lists, model, model_and_more, aliased, of_a_cookie, of_a_factory),
    *(nested, uncached, of_a_class, marked, of_a_scheme, refusing, within),
)
QUERIES = (
    *(
        "",
        "q=1",
        "q=x&flag=yes&day=2026-11-26&order=oldest",
        "q=%C3%A4+b",
        "q=1&q=2",
        "&&q=&=&x",
        "q",
        "q=1=2&flag=perhaps",
    ),
    *("tags=a&tags=b&ids=1&ids=2", "tags=&ids=x", "text=a&limit=0", "limit=7&text=b", "by-name=ada", "by-name=a"),
    *(
        "level=0&q=1",
        "level=2&q=1",
        "page=2&per_page=x",
        "page=3",
        "rows=1&rows=2",
        "order=middle&q=1",
        "q=%FF",
        "%71=%",
    ),
)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"x-user": "ada", "x-long-name": "7", "cookie": "session=a; seen=2", "authorization": "Bearer t"},
    {"x-long-name": "seven", "cookie": "seen=never", "x": "{}"},
)


def a_request(n: str, query: str, headers: Mapping[str, str]) -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": f"/at/{n}",
            "path_params": {"n": n},
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "server": ("testserver", 80),
            "scheme": "http",
        }
    )


async def by_fastapi(endpoint: Callable[..., Any], request: Request) -> Any:
    async with AsyncExitStack() as stack:
        request.scope.update(fastapi_inner_astack=stack, fastapi_function_astack=stack)
        return await solve_dependencies(
            request=request,
            dependant=get_dependant(path="/at/{n}", call=endpoint),
            async_exit_stack=stack,
            embed_body_fields=False,
        )


async def outcome(endpoint: Callable[..., Any], request: Request, *, is_ours: bool) -> Any:
    """Values, calls, headers and status; None for what is invalid, the exception that was raised in their place."""
    calls.clear()
    try:
        if is_ours:
            solved: Any = await Solver(get_dependant(path="/at/{n}", call=endpoint)).solve(request)
        else:
            solved = await by_fastapi(endpoint, request)
            solved = None if solved.errors else solved
    except HTTPException as refusal:
        return refusal.status_code, list(calls)
    if solved is None:
        return None
    values = {name: "it" if value in (request, solved.response) else value for name, value in solved.values.items()}
    return values, list(calls), solved.response.raw_headers, solved.response.status_code


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.__name__)
async def test_it_gives_what_fastapi_does(endpoint: Callable[..., Any]) -> None:
    seen = set()
    for n in ("1", "x"):
        for query in QUERIES:
            for headers in HEADERS:
                ours = await outcome(endpoint, a_request(n, query, headers), is_ours=True)
                theirs = await outcome(endpoint, a_request(n, query, headers), is_ours=False)
                if theirs is None or theirs[0] == 403:
                    # What is invalid is left to FastAPI, which asks the dependencies first.
                    assert ours is None or ours == theirs, (n, query, headers)
                else:
                    assert ours == theirs, (n, query, headers)
                seen.add(ours is None)

    assert False in seen


async def test_nothing_is_called_for_what_is_invalid() -> None:
    calls.clear()
    solver = Solver(get_dependant(path="/at/{n}", call=within))

    assert await solver.solve(a_request("1", "q=no-number", {})) is None
    assert calls == []
    assert await solver.solve(a_request("1", "q=1&level=0", {})) is None
    assert calls == []


async def test_a_default_is_a_new_one_each_time() -> None:
    solver = Solver(get_dependant(path="/", call=lists))
    first = await solver.solve(a_request("1", "", {}))
    assert first is not None
    first.values["tags"].append("changed")

    second = await solver.solve(a_request("1", "", {}))

    assert second is not None
    assert second.values["tags"] == []


async def test_overrides_and_traces_are_fastapis() -> None:
    class Application:
        dependency_overrides: dict[Any, Any] = {}  # noqa: RUF012

    solver = Solver(get_dependant(path="/", call=nested), Application)
    traced = a_request("1", "", {})
    traced.scope["fastapi.telemetry"] = object()

    assert await solver.solve(a_request("1", "", {})) is not None
    assert await solver.solve(traced) is None
    Application.dependency_overrides[user] = lambda: "somebody"
    assert await solver.solve(a_request("1", "", {})) is None


def test_what_it_has_not_is_not_solvable() -> None:
    async def with_tasks(tasks: BackgroundTasks) -> None: ...

    async def with_body(found: Filter) -> None: ...

    async def scopes_of(scopes: SecurityScopes) -> list[str]:
        return scopes.scopes

    async def with_scopes(scopes: Annotated[list[str], Security(scopes_of, scopes=["a"])]) -> None: ...

    unsolvable: list[Callable[..., Any]] = [with_tasks, with_body, with_scopes]

    assert not any(is_solvable(get_dependant(path="/", call=each)) for each in unsolvable)
    assert all(is_solvable(get_dependant(path="/at/{n}", call=each)) for each in ENDPOINTS)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_read_as_starlette_does(query: str) -> None:
    assert query_of(query.encode("latin-1")) == dict(QueryParams(query))
