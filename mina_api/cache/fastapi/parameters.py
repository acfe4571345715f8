"""An endpoint's parameters as its dependencies validated them: the part of a key that the request chooses."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.security.base import SecurityBase
from pydantic import BaseModel

from mina_api.cache.keys import canonical_text

Fields = list[Any]
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


class Parameters:
    """Reads the validated parameters of requests to one endpoint."""

    def __init__(self, dependant: Dependant) -> None:
        every = list(walk(dependant))
        self._path = _distinct(field for each in every for field in each.path_params)
        self._query = _distinct(field for each in every for field in each.query_params)
        self._headers = _distinct(field for each in every for field in each.header_params)
        self._cookies = _distinct(field for each in every for field in each.cookie_params)

    @property
    def are_in_target(self) -> bool:
        """Whether path, query and who asks say everything, so that the request can be made again from them."""
        return not self._cookies and all(field.alias.lower() in CREDENTIALS for field in self._headers)

    @property
    def header_names(self) -> frozenset[str]:
        """The headers, in lower case, whose values are in the key; those of credentials are there by who asks."""
        return frozenset(name for field in self._headers for name in _header_names(field)) - CREDENTIALS

    def path(self, request: Request) -> dict[str, Any]:
        """Path parameters by name, in the path's order."""
        values = _values(self._path, request.path_params)
        return {name: values[name] for name in request.path_params if name in values}

    def others(self, request: Request) -> dict[str, Any]:
        """Query, header and cookie parameters by alias; of headers and cookies, which may be secret, digests."""
        values = _values(self._query, request.query_params)
        for kind, fields, received in (
            ("header", self._headers, request.headers),
            ("cookie", self._cookies, request.cookies),
        ):
            for name, value in _values(fields, received).items():
                if value is not None:
                    values[f"{kind}:{name}"] = hashlib.sha256(canonical_text(value).encode()).hexdigest()[:32]
        return values


def _distinct(fields: Iterable[Any]) -> Fields:
    return list({field.alias: field for field in fields}.values())


def _header_names(field: Any) -> Iterator[str]:
    """The header of `field`, or those of the fields of a parameter model."""
    model = field.field_info.annotation
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield field.alias.lower()
        return
    for name, inner in model.model_fields.items():
        yield (inner.alias or name.replace("_", "-")).lower()


def _values(fields: Fields, received: Mapping[str, Any]) -> dict[str, Any]:
    """Validated values by alias; the fields of a parameter model by their own names."""
    values: dict[str, Any] = {}
    for field in fields:
        solved, _ = request_params_to_args([field], received)
        for value in solved.values():
            if isinstance(value, BaseModel):
                values.update(value.model_dump(by_alias=True))
            else:
                values[field.alias] = value
    return values
