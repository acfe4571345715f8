"""Every key of the application, from the settings or from files that may change while it runs.

Whose entries are sealed: all, where encryption keys are given; else those of transcripts, by keys that are derived
from the secret key (HKDF, RFC 5869), unless `MINA_CACHE_TRANSCRIPTS` says otherwise.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mina_api.auth.signing import SigningKeys
from mina_api.cache.sealing import KEY_BYTES, Sealer
from mina_api.cache.serializers import JSON, MsgpackSerializer, Serializer, SignedPickleSerializer
from mina_api.composition.key_files import KeyFiles
from mina_api.settings import Settings, SettingsError, keys_in, secrets_in

TRANSCRIPTS = frozenset(("transcription",))
K = TypeVar("K")
DERIVED = b"mina cache encryption of transcripts"


class Keys:
    """The keys that sign tokens, the sealer of entries, and the serializer of values; raises SettingsError.

    `forget` is called where a key that signs tokens is gone: what was remembered of its tokens is to be forgotten.
    """

    def __init__(self, settings: Settings) -> None:
        cache, auth = settings.cache, settings.auth
        self.files = KeyFiles()
        self.forget: Callable[[], None] = lambda: None
        self._derives = False
        secrets = self._watched("MINA_SECRET_KEY_FILE", auth.secret_key_file, secrets_in, self.use_secrets)
        secrets = secrets or [auth.secret_key.get_secret_value()]
        self.signing = SigningKeys(secrets)
        self.signing.look_again = self.files.look
        self.sealer = self._sealer(settings, secrets)
        self.serializer: Serializer = MsgpackSerializer() if cache.serializer == "msgpack" else JSON
        if cache.serializer == "pickle":
            name = "MINA_CACHE_SIGNING_KEYS_FILE"
            keys = self._watched(name, cache.signing_keys_file, keys_in, lambda given: pickle.use(given))
            self.serializer = pickle = SignedPickleSerializer(keys or cache.all_signing_keys, cache.signing_algorithm)

    def _sealer(self, settings: Settings, secrets: Sequence[str]) -> Sealer | None:
        cache = settings.cache
        name = "MINA_CACHE_ENCRYPTION_KEYS_FILE"
        keys = self._watched(name, cache.encryption_keys_file, keys_in, lambda given: sealer.use(given))
        if keys := keys or cache.all_encryption_keys:
            sealer = Sealer(keys)
        elif cache.transcripts == "encrypted":
            self._derives = True
            sealer = Sealer(derived(secrets), TRANSCRIPTS)
        else:
            return None
        sealer.look_again = self.files.look
        return sealer

    def _watched(
        self, name: str, path: Path | None, read: Callable[[Path], list[K]], use: Callable[[list[K]], object]
    ) -> list[K]:
        if path is None:
            return []
        self.files.watch(path, read, use)
        try:
            return read(path)
        except ValueError as failure:
            raise SettingsError([f"{name}: {failure}"]) from None

    def use_secrets(self, secrets: Sequence[str]) -> None:
        """Have these in the place of the others: the first signs, all verify."""
        if self._derives and self.sealer is not None:
            self.sealer.use(derived(secrets))
        if self.signing.use(secrets):
            self.forget()


def derived(secrets: Sequence[str]) -> list[bytes]:
    """Encryption keys, one of each secret."""
    return [HKDF(SHA256(), KEY_BYTES, None, DERIVED).derive(secret.encode()) for secret in secrets]
