"""HTTP caching's words, without any I/O: directives, validators, and the headers of a cached answer.

(RFC 9110 sections 8.8, 12.5 and 13.1, RFC 9111 sections 4.1 and 5.2, RFC 9211.)
"""

import hashlib
import re

from mina_api.cache.entry import Headers
from mina_api.cache.outcome import ANY, Demand, Outcome, Served

STORED_HEADERS = frozenset(
    (b"content-type", b"content-disposition", b"content-language", b"etag", b"last-modified", b"link")
)
# What an answer that is not stored has of its own, and those who waited for it get anew.
REPLACED_HEADERS = frozenset((b"age", b"cache-control", b"cache-status", b"content-length", b"vary"))
NOT_MODIFIED_HEADERS = frozenset((b"etag", b"cache-control", b"vary", b"last-modified", b"age", b"cache-status"))

# What every answer varies on; one that is kept in zstd on more.
VARY = (b"vary", b"Authorization")
PACKED_VARY = (b"vary", b"Authorization, Accept-Encoding")

_ANY_AGE = str(2**31)  # without an argument; what RFC 9111 section 1.2.2 counts to
_DIRECTIVE = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?\s*(?:,|$)')
_NOTHING = re.compile(r"q\s*=\s*0(\.0*)?")
_ENTITY_TAG = re.compile(r'\s*(?:W/)?("[^"]*")\s*(?:,|$)')


def directives(cache_control: str) -> dict[str, str | None]:
    """Directives by lower-case name; of a repeated one the first counts (RFC 9111 section 4.2.1)."""
    found: dict[str, str | None] = {}
    for match in _DIRECTIVE.finditer(cache_control):
        name, quoted, plain = match.groups()
        found.setdefault(name.lower(), quoted if quoted is not None else plain)
    return found


def parse_demand(cache_control: str | None) -> Demand:
    """The demand in a request's Cache-Control; an argument that is no number asks for the freshest answer."""
    if not cache_control:
        return ANY
    found = directives(cache_control)
    max_age = _seconds(found["max-age"]) if "max-age" in found else None
    return Demand(
        reload="no-cache" in found or max_age == 0,
        store="no-store" not in found,
        max_age=max_age,
        max_stale=_seconds(found["max-stale"] or _ANY_AGE) if "max-stale" in found else 0.0,
        min_fresh=_seconds(found["min-fresh"], invalid=float("inf")) if "min-fresh" in found else 0.0,
        only_if_cached="only-if-cached" in found,
    )


def _seconds(argument: str | None, *, invalid: float = 0.0) -> float:
    return float(argument) if argument is not None and argument.isascii() and argument.isdigit() else invalid


def forbids_storing(headers: Headers) -> bool:
    """Whether an answer says itself that it must not be stored, or could not be given to two requests."""
    for name, value in headers:
        lowered = name.lower()
        if lowered in (b"set-cookie", b"content-encoding"):
            return True
        if lowered == b"cache-control" and "no-store" in directives(value.decode("latin-1")):
            return True
    return "*" in varies_on(headers)


def varies_on(headers: Headers) -> frozenset[str]:
    """The request's headers, in lower case, that an answer's `Vary` names (RFC 9110 section 12.5.5)."""
    values = [value.decode("latin-1") for name, value in headers if name.lower() == b"vary"]
    return frozenset(name.strip().lower() for name in ",".join(values).split(",") if name.strip())


def takes_zstd(accept_encoding: str) -> bool:
    """Whether a client names zstd among what it decodes (RFC 9110 section 12.5.3); `*` alone names nothing."""
    for part in accept_encoding.lower().split(","):
        coding, *weights = (text.strip() for text in part.split(";"))
        if coding == "zstd":
            return not any(_NOTHING.fullmatch(weight) for weight in weights)
    return False


def entity_tag(body: bytes) -> bytes:
    """A strong validator of `body`."""
    # Processors have instructions for this one: it takes half of BLAKE2's time.
    return b'"%s"' % hashlib.sha256(body).hexdigest()[:24].encode()


def matches(if_none_match: str, etag: str) -> bool:
    """Whether a conditional GET already has `etag`, by weak comparison (RFC 9110 section 13.1.2)."""
    if if_none_match.strip() == "*":
        return True
    opaque = etag.removeprefix("W/")
    return any(match.group(1) == opaque for match in _ENTITY_TAG.finditer(if_none_match))


def cache_status(served: Served, now: float) -> str:
    """The Cache-Status header (RFC 9211) of `served`."""
    entry = served.entry
    if served.outcome is Outcome.HIT and entry is not None:
        return f"mina; hit; ttl={entry.ttl(now)}" + _detail(served)
    text = f"mina; fwd={served.outcome}"
    if served.collapsed:
        text += "; collapsed"
    if served.stored and entry is not None:
        text += f"; stored; ttl={entry.ttl(now)}"
    return text + _detail(served)


def _detail(served: Served) -> str:
    return f"; detail={served.detail}" if served.detail else ""


def answer_headers(served: Served, now: float) -> tuple[tuple[bytes, bytes], ...]:
    """What every answer of a cached endpoint carries beside its stored headers."""
    entry = served.entry
    age = entry.age(now) if entry is not None else 0
    return (
        (b"cache-control", b"private, no-cache"),
        PACKED_VARY if entry is not None and entry.compressed else VARY,
        (b"age", b"%d" % age),
        (b"cache-status", cache_status(served, now).encode()),
    )
