"""What a cached endpoint depends on, solved as FastAPI solves it, by a plan that is made once for each route.

FastAPI works out anew for each request which parameters are read how, and which dependencies are the same. That is a
third of what a routed request costs, and each miss is one.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi._compat import ModelField, field_annotation_is_sequence
from fastapi.dependencies.models import Dependant, _get_cache_key
from fastapi.dependencies.utils import _get_param_aliases, _get_param_model, request_params_to_args

from mina_api.cache.fastapi.calls import caller
from mina_api.cache.fastapi.parameters import PLAIN, walk

# Where parameters come from, as a dependant names them.
SOURCES = ("path_params", "query_params", "header_params", "cookie_params")


class Injected(Response):
    """The response that dependencies may set headers and a status on: none as yet."""

    def __init__(self) -> None:
        # As FastAPI leaves its own, whose headers are made first and taken away then.
        self.status_code = None  # type: ignore[assignment]
        self.body = b""
        self.background = None
        self.raw_headers = []


class Solved(NamedTuple):
    """The values that the endpoint is called with, and the response that its dependencies have set headers on."""

    values: dict[str, Any]
    response: Response


class _Invalid(Exception):
    """A parameter is missing, or is not what it should be."""


class _Field:
    """A parameter that is one text in the request."""

    __slots__ = ("_alias", "_constant", "_field", "_has_constant", "name")

    def __init__(self, field: ModelField) -> None:
        ((_, self._alias),) = _get_param_aliases(field)
        self.name = field.name
        self._field = field
        info = field.field_info
        self._has_constant = (
            not info.is_required()
            and not info.validate_default
            and info.default_factory is None
            and type(info.default) in PLAIN
        )
        self._constant = info.default

    @staticmethod
    def reads(field: ModelField) -> bool:
        """Whether `field` is one: no list, no model, and known by one name alone."""
        if _get_param_model(field) is not None or field_annotation_is_sequence(field.field_info.annotation):
            return False
        return len(_get_param_aliases(field)) == 1

    def value(self, received: Mapping[str, str]) -> Any:
        """What it is among what was `received`; raises _Invalid."""
        text: Any = received.get(self._alias)
        if text is None:
            if self._has_constant:
                return self._constant
            if self._field.field_info.is_required():
                raise _Invalid
            # A copy of its own.
            text = self._field.default
            if not self._field.field_info.validate_default:
                return text
        value, errors = self._field.validate(text)
        if errors:
            raise _Invalid
        return value


class _Call:
    """One function of the plan, and where its arguments come from beside its parameters."""

    def __init__(self, dependant: Dependant, given: Sequence[tuple[str, int]]) -> None:
        self.call: Callable[..., Awaitable[Any]] = caller(dependant.call)  # type: ignore[arg-type]
        self.dependant = dependant
        # Of calls before it: the name of an argument, and whose result that is.
        self._given = tuple(given)
        named = (dependant.http_connection_param_name, dependant.request_param_name)
        self._request_names = tuple(name for name in named if name)
        self._response_name = dependant.response_param_name

    def complete(self, values: dict[str, Any], results: Sequence[Any], request: Request, response: Response) -> None:
        """Add to the `values` of its parameters all else that it is called with."""
        for name, index in self._given:
            values[name] = results[index]
        for name in self._request_names:
            values[name] = request
        if self._response_name:
            values[self._response_name] = response


class _Read(NamedTuple):
    """The parameters of one call that come from one source; FastAPI reads those that are not `single`."""

    number: int
    source: str
    single: Sequence[_Field]
    others: Sequence[ModelField]


class Solver:
    """Solves what one route depends on, in FastAPI's order and with what FastAPI would give.

    Parameters are validated before any dependency is called: a request that has an invalid one is FastAPI's, which
    finds all errors, in its order, and says them.
    """

    def __init__(self, dependant: Dependant, overrides: Any = None) -> None:
        self._overrides = overrides
        self._calls: list[_Call] = []
        self._plan(dependant, {})
        self._reads = [read for number, call in enumerate(self._calls) for read in _reads(number, call.dependant)]
        of_query = [each for each in self._reads if each.source == "query_params"]
        self._reads_query_plainly = not any(each.others for each in of_query)

    async def solve(self, request: Request) -> Solved | None:
        """What the endpoint is called with; None where FastAPI has to say it. Raises what the dependencies raise."""
        if self._overrides is not None and self._overrides.dependency_overrides:
            return None
        # Who traces FastAPI's own steps sees them.
        if request.scope.get("fastapi.telemetry") is not None:
            return None
        values: list[dict[str, Any]] = [{} for _ in self._calls]
        try:
            for number, source, single, others in self._reads:
                received = self._received(source, request)
                into = values[number]
                for field in single:
                    into[field.name] = field.value(received)
                if others:
                    into |= _by_fastapi(others, received)
        except _Invalid:
            return None
        response = Injected()
        results: list[Any] = []
        last = len(values) - 1
        for number, call in enumerate(self._calls):
            call.complete(values[number], results, request, response)
            if number != last:
                results.append(await call.call(**values[number]))
        return Solved(values[last], response)

    def _plan(self, dependant: Dependant, known: dict[Any, int]) -> None:
        """Add the calls of what `dependant` depends on, and its own; `known` results are given again."""
        given: list[tuple[str, int]] = []
        for each in dependant.dependencies:
            place = self._place_of(each, known)
            if each.name is not None:
                given.append((each.name, place))
        self._calls.append(_Call(dependant, given))

    def _place_of(self, dependant: Dependant, known: dict[Any, int]) -> int:
        """Where the result of a dependency will be."""
        key = _get_cache_key(dependant=dependant)
        self._plan(dependant, known)
        if dependant.use_cache and key in known:
            del self._calls[-1]
            return known[key]
        place = len(self._calls) - 1
        known.setdefault(key, place)
        return place

    def _received(self, source: str, request: Request) -> Mapping[str, str]:
        if source == "query_params":
            plainly = self._reads_query_plainly
            return query_of(request.scope["query_string"]) if plainly else request.query_params
        if source == "path_params":
            return request.path_params
        return request.headers if source == "header_params" else request.cookies


def _by_fastapi(fields: Sequence[ModelField], received: Mapping[str, str]) -> dict[str, Any]:
    """The values of fields that are more than one text each; raises _Invalid."""
    values, errors = request_params_to_args(fields, received)
    if errors:
        raise _Invalid
    return values


def _reads(number: int, dependant: Dependant) -> Iterator[_Read]:
    for source in SOURCES:
        if fields := getattr(dependant, source):
            single = [_Field(each) for each in fields if _Field.reads(each)]
            yield _Read(number, source, single, [each for each in fields if not _Field.reads(each)])


def is_solvable(dependant: Dependant) -> bool:
    """Whether a Solver has all that `dependant` asks for: no body, no background tasks, no scopes, no limits."""
    return not any(
        each.body_params
        or each.background_tasks_param_name
        or each.security_scopes_param_name
        or each.websocket_param_name
        or each.concurrency is not None
        for each in walk(dependant)
    )


def query_of(raw: bytes) -> dict[str, str]:
    """The parameters of a raw query by name, of each the last, as Starlette has them."""
    text = raw.decode("latin-1")
    if "%" in text or "+" in text:
        return dict(parse_qsl(text, keep_blank_values=True))
    found: dict[str, str] = {}
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            found[name] = value
    return found
