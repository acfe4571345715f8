"""Audits the locked dependencies by pip-audit: `python tools/audit.py requirements/run.lock …`.

Exit code 1 where one is known to be vulnerable. Without the service that knows them it says so in one line, and that
is no failure: a machine without a network can check everything else.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

TIMEOUT_SECONDS = 15
COMMAND = (
    "--disable-pip",
    "--no-deps",
    "--progress-spinner",
    "off",
    "--timeout",
    str(TIMEOUT_SECONDS),
    "--format",
    "json",
)


def verdict(name: str, report: Mapping[str, Any]) -> tuple[list[str], bool]:
    """What there is to say of one lock file's report, and whether nothing in it is vulnerable."""
    dependencies: Sequence[Mapping[str, Any]] = report["dependencies"]
    known = [each for each in dependencies if "skip_reason" not in each]
    lines = [
        f"{each['name']} {each['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no version'}"
        for each in known
        for found in each["vulns"]
    ]
    is_good = not lines
    if not known:
        return [f"audit of {name}: not done, the service knows none of its {len(dependencies)} packages"], True
    summary = f"audit of {name}: {len(known)} of {len(dependencies)} packages are known to the service"
    return [*lines, f"{summary}, {len(lines)} vulnerabilities"], is_good


def audit(name: str) -> tuple[list[str], bool]:
    """The same for a file that is audited now."""
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", *COMMAND, "-r", name], capture_output=True, text=True, check=False
    )
    try:
        return verdict(name, json.loads(done.stdout))
    except ValueError:
        cause = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        return [f"audit of {name}: not done, the service cannot be asked: {cause[:200]}"], True


def main(names: Iterable[str]) -> int:
    """Audit each file; the exit code."""
    results = [audit(name) for name in names]
    for lines, _ in results:
        print("\n".join(lines))
    return 0 if all(is_good for _, is_good in results) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
