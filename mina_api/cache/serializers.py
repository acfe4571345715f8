"""Values that are set by hand, as bytes: JSON unless told otherwise, msgpack, or pickle that nobody can forge."""

import hashlib
import hmac
import json
import pickle
from collections.abc import Sequence
from typing import Any, Protocol

import msgpack  # type: ignore[import-untyped]

from mina_api.cache.compression import UndecodableBody

# What an entry says of its body; an endpoint's answer is bytes already.
BYTES = 0


class Serializer(Protocol):
    """One way to write values; `context` is the entry's canonical key."""

    codec: int

    def dump(self, value: Any, context: str, /) -> bytes:
        """`value` as bytes; raises TypeError or ValueError for what it cannot hold."""

    def load(self, data: bytes, context: str, /) -> Any:
        """The value in `data`, made anew for each caller; raises UndecodableBody."""


class JsonSerializer:
    """Compact JSON in UTF-8 (RFC 8259): no NaN, and keys are text."""

    codec = 1

    def dump(self, value: Any, _: str) -> bytes:
        """`value` as JSON."""
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    def load(self, data: bytes, _: str) -> Any:
        """The value in `data`."""
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as failure:
            raise UndecodableBody(str(failure)) from failure


class MsgpackSerializer:
    """MessagePack, for bytes and moments too."""

    codec = 2

    def dump(self, value: Any, _: str) -> bytes:
        """`value` as MessagePack; an aware datetime is its timestamp extension."""
        packed: bytes = msgpack.packb(value, datetime=True, strict_types=False)
        return packed

    def load(self, data: bytes, _: str) -> Any:
        """The value in `data`; datetimes are in UTC."""
        try:
            return msgpack.unpackb(data, timestamp=3, strict_map_key=False)
        except (ValueError, TypeError, msgpack.exceptions.UnpackException, RecursionError) as failure:
            raise UndecodableBody(str(failure) or type(failure).__name__) from failure


class SignedPickleSerializer:
    """Pickle behind an HMAC (RFC 2104) over the entry's key and the data: nothing is unpickled that we did not write.

    Key and algorithm are the program's, the data says nothing of them. The first of `keys` signs, all verify, so
    that a key can be changed. Raises ValueError for no key, one under 32 bytes, or an unknown algorithm.
    """

    codec = 3

    def __init__(self, keys: Sequence[bytes], algorithm: str = "sha256") -> None:
        self.use(keys)
        if algorithm not in hashlib.algorithms_guaranteed or algorithm.startswith("shake"):
            raise ValueError(f"{algorithm} is no hash for an HMAC")
        self._algorithm = algorithm
        self._size = hashlib.new(algorithm).digest_size

    def use(self, keys: Sequence[bytes]) -> None:
        """Have these in the place of the others, also while values are read and written; raises ValueError."""
        if not keys or any(len(key) < 32 for key in keys):
            raise ValueError("pickle needs signing keys of 32 bytes or more")
        self._keys = tuple(keys)

    def dump(self, value: Any, context: str, /) -> bytes:
        """Signature, then pickle."""
        data = pickle.dumps(value, protocol=5)
        return self._sign(self._keys[0], data, context) + data

    def load(self, data: bytes, context: str, /) -> Any:
        """The value in `data`, if it is signed for `context` by one of our keys."""
        signature, body = data[: self._size], data[self._size :]
        if not any(hmac.compare_digest(signature, self._sign(key, body, context)) for key in self._keys):
            raise UndecodableBody("the signature is not ours")
        try:
            return pickle.loads(body)  # noqa: S301  (signed by us)
        except Exception as failure:
            raise UndecodableBody(f"{type(failure).__name__}: {failure}") from failure

    def _sign(self, key: bytes, body: bytes, context: str) -> bytes:
        name = context.encode()
        return hmac.digest(key, len(name).to_bytes(4, "little") + name + body, self._algorithm)


JSON = JsonSerializer()
