"""Cache keys: canonical, readable, and injective over prefix, endpoint, user and parameters.

`mina:{prefix}:{module}.{endpoint}:user:{id}:{path values}:{query parameters}#{schema fingerprint}`
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, runtime_checkable
from urllib.parse import quote, unquote
from uuid import UUID

MAX_READABLE = 200

# Of an empty value too.
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*").fullmatch

# Text that would be taken for a number, a truth value, nothing, a list or a mapping, did it not stand in quotes.
_READS_AS_ANOTHER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?$|(true|false|null|nan|-?inf)$|['\[{]")


@runtime_checkable
class Secret(Protocol):
    """A value that hides itself from its `repr`, as pydantic's secrets do."""

    def get_secret_value(self) -> Any:
        """What it hides."""


class CacheKey(NamedTuple):
    """A key as Redis knows it (`name`) and in full (`canonical`), which the entry repeats and a read compares.

    `endpoint` is None for a value that was set by hand.
    """

    name: str
    canonical: str
    prefix: str
    endpoint: str | None = None

    def __str__(self) -> str:
        return self.name


def module_label(module: str) -> str:
    """The module's part of a key: `mina_api.analytics.routes` is `api_analytics`, `jobs.nightly` is `nightly`."""
    parts = module.split(".")
    if parts[-1] == "routes" and len(parts) > 1:
        return f"api_{parts[-2]}"
    return parts[-1]


def encode(value: str) -> str:
    """`value` percent-encoded (RFC 3986 unreserved stay), so that no character of it can end or forge a part."""
    return value if _UNRESERVED(value) else quote(value, safe="")


@lru_cache(4096)
def _scope(namespace: str, prefix: str, endpoint: str, user_id: str | None) -> str:
    scope = f"{encode(namespace)}:{encode(prefix)}:{encode(endpoint)}"
    return scope if user_id is None else f"{scope}:user:{encode(user_id)}"


# Of parameters: there are few, unlike their values.
_name = lru_cache(1024)(encode)


def canonical_text(value: Any) -> str:
    """One validated value as text: equal values give equal text, whatever they were sent as, and others another.

    Of a secret it is a digest. Raises TypeError for an object that its `repr` does not tell from others.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Enum():
            return canonical_text(value.value)
        case str():
            return f"'{value}'" if _READS_AS_ANOTHER.match(value) else value
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
        case date() | time():
            return value.isoformat()
        case float():
            return str(value + 0.0)  # -0.0 is 0.0
        case int() | UUID():
            return str(value)
        case Mapping():
            return "{" + ",".join(sorted(f"{_part(key)}:{_part(inner)}" for key, inner in value.items())) + "}"
        case set() | frozenset():
            return "[" + ",".join(sorted(map(_part, value))) + "]"
        case list() | tuple():
            return "[" + ",".join(map(_part, value)) + "]"
        case Secret():
            return hashlib.sha256(canonical_text(value.get_secret_value()).encode()).hexdigest()[:32]
        case _ if getattr(type(value), "__repr__", None) is object.__repr__:
            raise TypeError(
                f"a {type(value).__name__} cannot be part of a cache key: give it a __repr__, or a key_func"
            )
        case _:
            return repr(value)


def _part(value: Any) -> str:
    # A number has nothing to encode, and most values are one.
    return str(value) if type(value) is int else encode(canonical_text(value))


def _parameter(name: str, value: Any) -> list[str]:
    """`name=value` for a value, one for each in order for a list (of one: with a comma after it), none for None."""
    if value is None:
        return []
    if isinstance(value, set | frozenset):
        value = sorted(value, key=_part)
    if not isinstance(value, list | tuple):
        return [f"{_name(name)}={_part(value)}"]
    if len(value) == 1:
        return [f"{_name(name)}={_part(value[0])},"]
    return [f"{_name(name)}={_part(item)}" for item in value] or [_name(name)]


def endpoint_key(
    *,
    namespace: str,
    prefix: str,
    endpoint: str,
    user_id: str | None,
    path_values: Iterable[Any] = (),
    parameters: Mapping[str, Any] | None = None,
    fingerprint: str = "0",
) -> CacheKey:
    """The key of an endpoint's answer; over 200 characters its parameter part becomes an MD5 of it.

    Its `#` keeps it apart from every manual key, where that character is escaped.
    """
    scope = _scope(namespace, prefix, endpoint, user_id)
    parts, query = [*map(_part, path_values)], list[str]()
    if parameters:
        for name in sorted(parameters):
            query += _parameter(name, parameters[name])
    if query:
        parts.append("&".join(query))
    return _assemble(scope, ":".join(parts), fingerprint, prefix, endpoint)


def manual_key(*, namespace: str, prefix: str, key: str) -> CacheKey:
    """The key of `cache.set(key, …, prefix=prefix)`: the caller's own text, kept readable and escaped."""
    scope = f"{encode(namespace)}:{encode(prefix)}"
    return _assemble(scope, quote(key, safe=":=&.@,-_~"), "", prefix)


def prefix_of(name: str) -> str:
    """The prefix in a key's name."""
    return name.split(":", 2)[1]


def endpoint_of(name: str) -> str | None:
    """The endpoint in the name of an answer's key; None for a value that was set by hand."""
    parts = name.split(":")
    return unquote(parts[2].partition("#")[0]) if "#" in name and len(parts) > 2 else None


def _assemble(scope: str, parameters: str, fingerprint: str, prefix: str, endpoint: str | None = None) -> CacheKey:
    end = f"#{fingerprint}" if fingerprint else ""
    canonical = f"{scope}:{parameters}{end}" if parameters else f"{scope}{end}"
    if len(canonical) <= MAX_READABLE:
        return CacheKey(canonical, canonical, prefix, endpoint)
    digest = hashlib.md5(parameters.encode(), usedforsecurity=False).hexdigest()
    return CacheKey(f"{scope}:md5:{digest}{end}", canonical, prefix, endpoint)
