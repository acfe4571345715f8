"""Keys that sign tokens (RFC 7519, HS256), several at once, and others in their place while the program runs.

A token names its key (`kid`, RFC 7515 section 4.1.4): a key that is gone ends its tokens, whoever remembers them.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jwt

ALGORITHM = "HS256"
_ID_BYTES = 6


def key_id(key: str) -> str:
    """The name of a key, which says nothing of it."""
    return hashlib.blake2b(key.encode(), digest_size=_ID_BYTES, person=b"mina jwt kid").hexdigest()


class SigningKeys:
    """The first of `keys` signs, all verify.

    `look_again` is asked for newer keys where a token names one that is not known: a worker that has read them
    sooner signs by them already. A token that names none is held against the first.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys: dict[str, str] = {}
        self._first = ""
        self.version = 0
        self.look_again: Callable[[], None] = lambda: None
        self.use(keys)

    def use(self, keys: Sequence[str]) -> bool:
        """Have these in the place of the others; whether one of those is gone, and its tokens with it."""
        before = self._keys.keys()
        self.version += 1
        self._keys = {key_id(key): key for key in keys}
        self._first = key_id(keys[0])
        return bool(before - self._keys.keys())

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys.values())

    @property
    def first(self) -> str:
        """The key that signs."""
        return self._keys[self._first]

    def sign(self, payload: dict[str, Any]) -> str:
        """A token that says `payload`."""
        return jwt.encode(payload, self.first, ALGORITHM, {"kid": self._first})

    def verify(self, token: str, audience: str, required: Sequence[str]) -> dict[str, Any]:
        """What a token says that one of the keys has signed, expired or not; raises jwt.InvalidTokenError."""
        return jwt.decode(
            token,
            self._key_of(token),
            [ALGORITHM],
            audience=audience,
            options={"require": list(required), "verify_exp": False, "verify_iat": False},
        )

    def _key_of(self, token: str) -> str:
        name = jwt.get_unverified_header(token).get("kid", self._first)
        if name not in self._keys:
            self.look_again()
        if name not in self._keys:
            raise jwt.InvalidTokenError("it is signed by no key of ours")
        return self._keys[name]
