"""Request ids: the client's own where it is sane, else one that no other process gives."""

import itertools
import re
import secrets

_SANE = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_prefix = secrets.token_hex(8).encode()
_numbers = itertools.count(secrets.randbits(48))


def request_id(given: bytes | None) -> bytes:
    """`given`, if it may be echoed and logged, else 32 hexadecimal digits: of this process, and of this request."""
    if given is not None and _SANE.fullmatch(given):
        return given
    return b"%b%016x" % (_prefix, next(_numbers))
