"""An endpoint's parameters as its dependencies validated them: the part of a key that the request chooses."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.security.base import SecurityBase
from pydantic import BaseModel

from mina_api.cache.keys import canonical_text

# Of most parameters: no model, and nothing that could be one.
PLAIN = frozenset((int, str, bool, float, type(None)))
CREDENTIALS = frozenset(("authorization", "proxy-authorization", "cookie", "x-api-key"))


def walk(dependant: Dependant) -> Iterator[Dependant]:
    """`dependant` and all that it depends on."""
    yield dependant
    for inner in dependant.dependencies:
        yield from walk(inner)


def needs_credentials(dependant: Dependant) -> bool:
    """Whether an answer may depend on who asks: a security scheme, a credential header, or a cookie."""
    return any(
        isinstance(_plain(each.call), SecurityBase)
        or bool(each.cookie_params)
        or any(field.alias.lower() in CREDENTIALS for field in each.header_params)
        for each in walk(dependant)
    )


def _plain(call: Callable[..., Any] | None) -> Any:
    return getattr(call, "__wrapped__", call)


class Given(NamedTuple):
    """A request's validated parameters: those of its path in the path's order, and the others by name."""

    path: dict[str, Any]
    others: dict[str, Any]

    @property
    def every(self) -> Mapping[str, Any]:
        """All of them by name."""
        return {**self.path, **self.others} if self.path else self.others


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One that is declared, under a name that no other has; the endpoint's own is validated already."""

    name: str
    field: Any
    is_own: bool

    def read(self, into: dict[str, Any], solved: Mapping[str, Any], received: Callable[[], Mapping[str, Any]]) -> None:
        """Put its value in by its name; the fields of a parameter model by their own names."""
        if self.is_own:
            found = solved[self.field.name]
        else:
            validated, _ = request_params_to_args([self.field], received())
            if not validated:
                return
            (found,) = validated.values()
        if type(found) in PLAIN or not isinstance(found, BaseModel):
            into[self.name] = found
        else:
            into.update(found.model_dump(by_alias=True))


class Parameters:
    """Reads the validated parameters of requests to one endpoint."""

    def __init__(self, dependant: Dependant) -> None:
        self._path = _declared(dependant, "path_params")
        self._query = _declared(dependant, "query_params")
        self._headers = _declared(dependant, "header_params")
        self._cookies = _declared(dependant, "cookie_params")

    @property
    def are_in_target(self) -> bool:
        """Whether path, query and who asks say everything, so that the request can be made again from them."""
        return not self._cookies and all(each.field.alias.lower() in CREDENTIALS for each in self._headers)

    @property
    def header_names(self) -> frozenset[str]:
        """The headers, in lower case, whose values are in the key; those of credentials are there by who asks."""
        return frozenset(name for each in self._headers for name in _header_names(each.field)) - CREDENTIALS

    def read(self, request: Request, solved: Mapping[str, Any]) -> Given:
        """Those of `request`, whose endpoint is called with `solved`; of headers and cookies, maybe secret, digests."""
        path = _values(self._path, solved, lambda: request.path_params) if self._path else {}
        others = _values(self._query, solved, lambda: request.query_params) if self._query else {}
        if self._headers:
            others |= _digests("header", _values(self._headers, solved, lambda: request.headers))
        if self._cookies:
            others |= _digests("cookie", _values(self._cookies, solved, lambda: request.cookies))
        if len(path) > 1:
            received = list(request.path_params)
            path = dict(sorted(path.items(), key=lambda item: _place(received, item[0])))
        return Given(path, others)


def _declared(dependant: Dependant, kind: str) -> list[_Parameter]:
    """What is declared of a kind: one that is declared alike twice is one, one that is declared otherwise is another.

    Who asks for text sees more in it than who asks for a number.
    """
    own = getattr(dependant, kind)
    found: dict[tuple[str, str], Any] = {}
    for each in (field for inner in walk(dependant) for field in getattr(inner, kind)):
        found.setdefault((each.alias, repr(each.field_info)), each)
    names: Counter[str] = Counter()
    parameters = []
    for (alias, _), each in found.items():
        names[alias] += 1
        name = alias if names[alias] == 1 else f"{alias} {names[alias]}"
        parameters.append(_Parameter(name, each, any(each is mine for mine in own)))
    return parameters


def _values(
    parameters: Sequence[_Parameter], solved: Mapping[str, Any], received: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in parameters:
        each.read(found, solved, received)
    return found


def _digests(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{kind}:{name}": hashlib.sha256(canonical_text(value).encode()).hexdigest()[:32]
        for name, value in values.items()
        if value is not None
    }


def _place(received: list[str], name: str) -> int:
    return received.index(name) if name in received else len(received)


def _header_names(field: Any) -> Iterator[str]:
    """The header of `field`, or those of the fields of a parameter model."""
    model = field.field_info.annotation
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield field.alias.lower()
        return
    for name, inner in model.model_fields.items():
        yield (inner.alias or name.replace("_", "-")).lower()
