"""The operations of the OpenAPI document, as the walk needs them: what each takes, and an example of its body."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one path; `bodies` are examples by media type, `fields` the names at the top of a body."""

    name: str
    method: str
    path: str
    path_names: tuple[str, ...]
    query_names: tuple[str, ...]
    header_names: frozenset[str]
    fields: tuple[str, ...]
    bodies: dict[str, Any]
    needs_credentials: bool

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "GET"


def operations(document: Json) -> Iterator[Operation]:
    """Every operation of `document`."""
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            parameters = described.get("parameters", [])
            content = described.get("requestBody", {}).get("content", {})
            yield Operation(
                name=described["operationId"],
                method=method.upper(),
                path=path,
                path_names=_names(parameters, "path"),
                query_names=_names(parameters, "query"),
                header_names=frozenset(name.lower() for name in _names(parameters, "header")),
                fields=tuple(sorted({name for each in content.values() for name in _fields(document, each["schema"])})),
                bodies={media_type: each["example"] for media_type, each in content.items()},
                needs_credentials=bool(described.get("security")),
            )


def _names(parameters: list[Json], place: str) -> tuple[str, ...]:
    return tuple(each["name"] for each in parameters if each["in"] == place)


def _fields(document: Json, schema: Json) -> Iterator[str]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    yield from schema.get("properties", {})
