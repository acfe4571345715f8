"""Where Redis is, as one URL says it: one server, one that Sentinels know, a Cluster, or a unix socket.

    redis://user:password@host:6379/0          rediss://… the same over TLS
    redis+sentinel://user:password@h1:26379,h2:26379/name/0
    redis+cluster://user:password@h1:6379,h2:6379
    unix:///run/redis.sock?db=0

Every scheme but the last has its `rediss` form. As query parameters: `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`
(paths), `ssl_check_hostname`, `client_name`; of Sentinels also `sentinel_username` and `sentinel_password`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection, parse_url

Address: TypeAlias = tuple[str, int]
Kind: TypeAlias = Literal["server", "socket", "sentinel", "cluster"]

SCHEMES: Mapping[str, Kind] = {
    "redis": "server",
    "rediss": "server",
    "unix": "socket",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
PORTS: Mapping[Kind, int] = {"server": 6379, "cluster": 6379, "sentinel": 26379, "socket": 0}
PARAMETERS = frozenset(
    {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname", "ssl_min_version", "client_name", "db"}
)
OF_SENTINELS = frozenset({"sentinel_username", "sentinel_password"})


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files: who vouches for the server, and what we show it; for what the URL leaves out."""

    authority: str = ""
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL says; `options` are those of each connection to a server, as redis-py names them."""

    kind: Kind
    addresses: tuple[Address, ...]
    options: Mapping[str, Any]
    uses_tls: bool
    service: str = ""
    sentinel_options: Mapping[str, Any] = field(default_factory=dict)


def parse_target(url: str, tls: TlsFiles | None = None) -> Target:
    """The target of `url`; raises ValueError, which says nothing of the password."""
    scheme, _, rest = url.partition("://")
    kind = SCHEMES.get(scheme)
    if kind is None:
        raise ValueError(f"a Redis URL begins with one of {', '.join(f'{each}://' for each in SCHEMES)}")
    parts = urlsplit(f"redis://{rest}")
    parameters = dict(parse_qsl(parts.query))
    allowed = PARAMETERS | OF_SENTINELS if kind == "sentinel" else PARAMETERS
    if unknown := parameters.keys() - allowed:
        raise ValueError(f"a Redis URL has no parameter {', '.join(sorted(unknown))}")
    if kind == "socket":
        options = dict(parse_url(url))
        del options["connection_class"]
        return Target(kind, (), options, uses_tls=False)
    credentials, _, hosts = parts.netloc.rpartition("@")
    service, database = _path(kind, parts.path)
    uses_tls = scheme.startswith("rediss")
    of_sentinels = {name.removeprefix("sentinel_"): parameters.pop(name) for name in OF_SENTINELS & parameters.keys()}
    encryption = _encryption(parameters, tls or TlsFiles()) if uses_tls else {}
    options = {
        **_credentials(credentials),
        **_typed(parameters),
        **encryption,
    }
    options.setdefault("db", database)
    return Target(
        kind,
        tuple(_address(host, PORTS[kind]) for host in hosts.split(",")),
        options,
        uses_tls,
        service,
        {**of_sentinels, **encryption},
    )


def connection_class(target: Target, plain: type, encrypted: type) -> type:
    """Which class of connection the target's servers take."""
    if target.kind == "socket":
        return UnixDomainSocketConnection
    return encrypted if target.uses_tls else plain


def _path(kind: Kind, path: str) -> tuple[str, int]:
    """The name that Sentinels know a server by, and the number of its database."""
    parts = [unquote(part) for part in path.split("/") if part]
    service = parts.pop(0) if kind == "sentinel" and parts else ""
    if kind == "sentinel" and not service:
        raise ValueError("redis+sentinel://host:26379/NAME/0 has to name the server")
    if len(parts) > 1 or not all(part.isdecimal() for part in parts):
        raise ValueError("a Redis URL ends with the number of a database")
    database = int(parts[0]) if parts else 0
    if kind == "cluster" and database:
        raise ValueError("a Redis Cluster has database 0 alone")
    return service, database


def _credentials(text: str) -> dict[str, str]:
    name, _, password = text.partition(":")
    given = {"username": unquote(name), "password": unquote(password)}
    return {field: value for field, value in given.items() if value}


def _address(text: str, port: int) -> Address:
    """`host`, `host:port` or `[address]:port` (RFC 3986 section 3.2.2)."""
    parts = urlsplit(f"//{text}")
    try:
        return (unquote(parts.hostname or "localhost"), parts.port or port)
    except ValueError:
        raise ValueError("a Redis URL has a port that is no number") from None


def _typed(parameters: Mapping[str, str]) -> dict[str, Any]:
    """The parameters, of the types that redis-py gives them."""
    if not parameters:
        return {}
    options: dict[str, Any] = dict(parse_url(f"redis://host?{urlencode(parameters)}"))
    del options["host"]
    return options


def _encryption(parameters: dict[str, str], files: TlsFiles) -> dict[str, Any]:
    given = {"ssl_ca_certs": files.authority, "ssl_certfile": files.certificate, "ssl_keyfile": files.key}
    named = {name: parameters.pop(name) for name in tuple(parameters) if name.startswith("ssl_")}
    return {**{name: path for name, path in given.items() if path}, **_typed(named)}


__all__ = ["Address", "SSLConnection", "Target", "TlsFiles", "connection_class", "parse_target"]
