"""The Lua scripts, each one step that Redis takes atomically."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script's source and the SHA-1 by which EVALSHA names it."""

    source: str
    sha: str


def _read(*names: str) -> Script:
    folder = files("mina_api.cache.redis_tier").joinpath("lua")
    source = "\n".join(folder.joinpath(f"{name}.lua").read_text() for name in names)
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


SNAPSHOT = _read("snapshot")
HOLD = _read("announce", "hold")
LIFT = _read("announce", "lift")
FORGET = _read("announce", "forget")
REGISTER = _read("register")
CLAIM = _read("claim")
RENEW = _read("renew")
RELEASE = _read("give_back", "release")
STORE = _read("give_back", "store")
TELL = _read("tell")
TIDY = _read("tidy")
FIELDS = _read("fields")
ITEMS = _read("items")
HIGHEST = _read("highest")
ALL = (SNAPSHOT, HOLD, LIFT, FORGET, REGISTER, CLAIM, RENEW, RELEASE, STORE, TELL, TIDY, FIELDS, ITEMS, HIGHEST)
