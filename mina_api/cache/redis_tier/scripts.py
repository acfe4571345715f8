"""The Lua scripts, each one step that Redis takes atomically."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script's source and the SHA-1 by which EVALSHA names it."""

    source: str
    sha: str


def _read(name: str) -> Script:
    source = files("mina_api.cache.redis_tier").joinpath("lua", f"{name}.lua").read_text()
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


SNAPSHOT = _read("snapshot")
HOLD = _read("hold")
LIFT = _read("lift")
ACQUIRE = _read("acquire")
RENEW = _read("renew")
RELEASE = _read("release")
ALL = (SNAPSHOT, HOLD, LIFT, ACQUIRE, RENEW, RELEASE)
