"""Keys and secrets as the environment words them."""

import secrets
import string

from pydantic import SecretStr


def keys_of(keys: SecretStr) -> list[bytes]:
    """Keys of 32 bytes in hexadecimal, by commas; raises ValueError, which says nothing of them."""
    parts = [part.strip() for part in keys.get_secret_value().split(",") if part.strip()]
    if any(len(part) != 64 or not set(part) <= set(string.hexdigits) for part in parts):
        raise ValueError("must be keys of 64 hexadecimal digits, by commas: try `openssl rand -hex 32`")
    return [bytes.fromhex(part) for part in parts]


def new_secret() -> str:
    """A fresh secret of 64 hexadecimal digits, fit for `MINA_SECRET_KEY`."""
    return secrets.token_hex(32)
