"""API keys: what they look like, and which of them are worth a look-up.

A key is `mina_{user id}_{256 random bits}`; the user's id only says whose keys it may be among, and lets the
cache clear what it knows of the key with all else of the user.
"""

import hashlib
import re
import secrets

PREFIX = "mina_"
SHOWN = 6
_KEY = re.compile(r"mina_(\d{1,18})_[A-Za-z0-9_-]{43}")


def new_key(user_id: int) -> str:
    """A key that nobody can guess."""
    return f"{PREFIX}{user_id}_{secrets.token_urlsafe(32)}"


def owner_of(key: str) -> int | None:
    """The user whose key it would be; None for what is no key."""
    match = _KEY.fullmatch(key)
    return int(match.group(1)) if match else None


def shown_prefix(key: str) -> str:
    """The beginning of a key, by which its user knows it again."""
    return key[: key.rindex("_", 0, key.index("_", len(PREFIX)) + 1) + 1 + SHOWN]


def digest(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()
