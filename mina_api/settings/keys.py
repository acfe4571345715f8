"""Keys and secrets as the environment and files word them; no message repeats any part of one."""

import secrets
import string
from pathlib import Path

from pydantic import SecretStr

SHORTEST = 32
FEWEST_CHARACTERS = 8
# What examples, manuals and demos say; no random secret has one of them.
KNOWN = (
    *("changeme", "change-me", "change_me", "changethis", "change-this", "replaceme", "replace-me", "replace_me"),
    *("password", "passw0rd", "your-secret", "your_secret", "yoursecret", "supersecret", "super-secret"),
    *("super_secret", "topsecret", "top-secret", "correct horse", "correcthorse", "lorem ipsum"),
    *("secret-key", "secret_key", "secretkey", "insecure", "example", "default", "development", "placeholder"),
    *("mina-demo", "mina_demo", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop"),
    *("09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",),  # FastAPI's own tutorial
)
TRY = "try `openssl rand -hex 32`"


def keys_of(keys: SecretStr) -> list[bytes]:
    """Keys of 32 bytes in hexadecimal, by commas; raises ValueError, which says nothing of them."""
    parts = [part.strip() for part in keys.get_secret_value().split(",") if part.strip()]
    if any(len(part) != 64 or not set(part) <= set(string.hexdigits) for part in parts):
        raise ValueError(f"must be keys of 64 hexadecimal digits, by commas: {TRY}")
    return [bytes.fromhex(part) for part in parts]


def check_secret(secret: str) -> None:
    """Raise ValueError for a secret that could be guessed."""
    if len(secret) < SHORTEST:
        raise ValueError(f"must have {SHORTEST} characters or more: {TRY}")
    if len(set(secret)) < FEWEST_CHARACTERS:
        raise ValueError(f"is too regular to be secret: {TRY}")
    if any(known in secret.lower() for known in KNOWN):
        raise ValueError(f"is known to everybody, from an example: {TRY}")


def lines_in(path: Path) -> list[str]:
    """The keys in a file, one a line, the first first; raises ValueError where it has none or cannot be read."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) else "it is no text"
        raise ValueError(f"{path} cannot be read: {reason}") from None
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise ValueError(f"{path} has no key in it")
    return keys


def secrets_in(path: Path) -> list[str]:
    """The secrets in a file; raises ValueError, also for a weak one."""
    found = lines_in(path)
    for number, secret in enumerate(found, 1):
        try:
            check_secret(secret)
        except ValueError as failure:
            raise ValueError(f"key {number} in {path} {failure}") from None
    return found


def keys_in(path: Path) -> list[bytes]:
    """The keys of 32 bytes in a file; raises ValueError."""
    return keys_of(SecretStr(",".join(lines_in(path))))


def new_secret() -> str:
    """A fresh secret of 64 hexadecimal digits, fit for `MINA_SECRET_KEY`."""
    return secrets.token_hex(32)
