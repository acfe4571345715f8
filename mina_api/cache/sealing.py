"""Entries encrypted at rest: AES-256-GCM (NIST SP 800-38D) bound to their key, with keys that can be changed.

Sealed entry: magic `MS`, version, 4 bytes that name the key, a random nonce of 12 bytes, ciphertext and tag.
Nonces are random: a key should be changed before 2^32 entries are sealed with it (SP 800-38D, section 8.3).
"""

import hashlib
import os
from collections.abc import Callable, Collection, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mina_api.cache.entry import Entry, UndecodableEntry, decode
from mina_api.cache.keys import prefix_of

HEAD = b"MS\x01"
KEY_BYTES = 32
_ID_BYTES = 4
_NONCE_BYTES = 12
_START = len(HEAD) + _ID_BYTES + _NONCE_BYTES


class Sealer:
    """Seals with the first of `keys`, opens with any; raises ValueError unless each is 32 bytes.

    With `prefixes` it is for their entries alone. `look_again` is asked for newer keys where an entry names one that
    is not known: a process that has read them sooner seals by them already.
    """

    def __init__(self, keys: Sequence[bytes], prefixes: Collection[str] | None = None) -> None:
        self._prefixes = prefixes
        self.look_again: Callable[[], None] = lambda: None
        self.use(keys)

    def use(self, keys: Sequence[bytes]) -> None:
        """Have these in the place of the others, also while entries are read and written; raises ValueError."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"an encryption key has {KEY_BYTES} bytes")
        self._ciphers = {_id_of(key): AESGCM(key) for key in keys}
        self._first = _id_of(keys[0])

    def is_for(self, name: str) -> bool:
        """Whether the entry of a key's name is sealed: what is not sealed there is not ours."""
        return self._prefixes is None or prefix_of(name) in self._prefixes

    def seal(self, name: str, data: bytes) -> bytes:
        """`data`, readable only under `name` and by who has the key."""
        nonce = os.urandom(_NONCE_BYTES)
        head = HEAD + self._first + nonce
        return head + self._ciphers[self._first].encrypt(nonce, data, head + name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        """What was sealed under `name`; raises UndecodableEntry for anything else."""
        head, body = sealed[:_START], sealed[_START:]
        key_id = head[len(HEAD) : len(HEAD) + _ID_BYTES]
        if key_id not in self._ciphers and head.startswith(HEAD):
            self.look_again()
        cipher = self._ciphers.get(key_id)
        if not head.startswith(HEAD) or len(head) < _START or cipher is None:
            raise UndecodableEntry("not sealed with a key of ours")
        try:
            return cipher.decrypt(head[-_NONCE_BYTES:], body, head + name.encode())
        except InvalidTag:
            raise UndecodableEntry("sealed for another key, or changed since") from None


def _id_of(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=_ID_BYTES, person=b"mina key id").digest()


def unsealed(sealer: Sealer | None, name: str, data: bytes) -> Entry:
    """The entry in `data`, which the tier had under `name`; raises UndecodableEntry."""
    return decode(sealer.open(name, data) if sealer is not None and sealer.is_for(name) else data)
