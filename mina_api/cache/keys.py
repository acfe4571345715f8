"""Cache keys: canonical, readable, and injective over prefix, endpoint, user and parameters.

`mina:{prefix}:{module}.{endpoint}:user:{id}:{path values}:{query parameters}#{schema fingerprint}`
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any
from urllib.parse import quote
from uuid import UUID

MAX_READABLE = 200


@dataclass(frozen=True, slots=True)
class CacheKey:
    """A key as Redis knows it (`name`) and in full (`canonical`), which the entry repeats and a read compares."""

    name: str
    canonical: str
    prefix: str

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
    return quote(value, safe="")


def canonical_text(value: Any) -> str:
    """One validated parameter value as text; equal values give equal text, whatever they were sent as."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() if not isinstance(value, Enum):
            return value
        case Enum():
            return canonical_text(value.value)
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
        case int() | float() | date() | time() | UUID():
            return value.isoformat() if isinstance(value, date | time) else str(value)
        case _:
            return repr(value)


def parameter_text(name: str, value: Any) -> Iterable[str]:
    """`name=value` for a value, one for each in order for a repeated one, none for an absent one."""
    if value is None:
        return
    if isinstance(value, Mapping):
        for inner in sorted(value):
            yield from parameter_text(f"{name}.{inner}", value[inner])
    elif isinstance(value, set | frozenset):
        for text in sorted(canonical_text(item) for item in value):
            yield f"{encode(name)}={encode(text)}"
    elif isinstance(value, list | tuple):
        if not value:
            yield f"{encode(name)}"
        for item in value:
            yield f"{encode(name)}={encode(canonical_text(item))}"
    else:
        yield f"{encode(name)}={encode(canonical_text(value))}"


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
    scope = f"{encode(namespace)}:{encode(prefix)}:{encode(endpoint)}"
    if user_id is not None:
        scope += f":user:{encode(user_id)}"
    parts = [encode(canonical_text(value)) for value in path_values]
    query = [text for name in sorted(parameters or {}) for text in parameter_text(name, (parameters or {})[name])]
    if query:
        parts.append("&".join(query))
    return _assemble(scope, ":".join(parts), fingerprint, prefix)


def manual_key(*, namespace: str, prefix: str, key: str) -> CacheKey:
    """The key of `cache.set(key, …, prefix=prefix)`: the caller's own text, kept readable and escaped."""
    scope = f"{encode(namespace)}:{encode(prefix)}"
    return _assemble(scope, quote(key, safe=":=&.@,-_~"), "", prefix)


def _assemble(scope: str, parameters: str, fingerprint: str, prefix: str) -> CacheKey:
    end = f"#{fingerprint}" if fingerprint else ""
    canonical = f"{scope}:{parameters}{end}" if parameters else f"{scope}{end}"
    if len(canonical) <= MAX_READABLE:
        return CacheKey(canonical, canonical, prefix)
    digest = hashlib.md5(parameters.encode(), usedforsecurity=False).hexdigest()
    return CacheKey(f"{scope}:md5:{digest}{end}", canonical, prefix)
