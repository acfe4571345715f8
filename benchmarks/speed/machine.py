"""What a benchmark ran on, said so that its numbers can be read later: machine, versions, commit."""

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

SHOWN = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "pyjwt", "redis", "hiredis", "zstandard")
PEERS = ("fastapi-cache2", "cashews", "aiocache", "fastapi-cachex", "orjson")


def described(peers_python: Path | None = None) -> list[str]:
    """Lines of Markdown; with the Python of another environment also what is installed there."""
    lines = [
        f"- Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC at commit {commit()}.",
        f"- {_processor()}, {os.cpu_count()} cores, {_memory()}, {platform.system()} {platform.release()};"
        f" load {os.getloadavg()[0]:.1f} at the end.",
        f"- {platform.python_implementation()} {platform.python_version()}; {_versions(SHOWN)}.",
    ]
    if peers_python is not None and peers_python.exists():
        lines.append(f"- Beside it: {_versions_of(peers_python, (*PEERS, *SHOWN[:9]))}.")
    return lines


def commit() -> str:
    """The commit that is checked out, and whether anything differs from it."""
    found = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return f"`{found or 'unknown'}`" + (" with changes" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _versions(names: Iterable[str]) -> str:
    return ", ".join(f"{name} {metadata.version(name)}" for name in names)


def _versions_of(python: Path, names: Iterable[str]) -> str:
    code = """if True:
        import sys
        from importlib import metadata
        print(", ".join(f"{name} {metadata.version(name)}" for name in sys.argv[1:]))
    """
    return subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=True).stdout.strip()
