import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.audit import verdict

ROOT = Path(__file__).parents[2]


def a_report(*vulnerabilities: str, skipped: bool = False) -> dict[str, object]:
    vulns = [{"id": each, "fix_versions": ["2.0"], "aliases": [], "description": ""} for each in vulnerabilities]
    good = {"name": "good", "version": "1.0", "vulns": []}
    other = {"name": "other", "version": "1.0", "vulns": vulns}
    return {"dependencies": [good, {"name": "other", "skip_reason": "not found"} if skipped else other], "fixes": []}


class TestVerdict:
    def test_names_each_vulnerability_and_where_it_is_mended(self) -> None:
        lines, is_good = verdict("run.lock", a_report("GHSA-1", "GHSA-2"))

        assert not is_good
        assert lines[0] == "other 1.0: GHSA-1, mended in 2.0"
        assert lines[-1].endswith("2 of 2 packages are known to the service, 2 vulnerabilities")

    def test_says_how_much_the_service_knew(self) -> None:
        lines, is_good = verdict("run.lock", a_report(skipped=True))

        assert is_good
        assert lines == ["audit of run.lock: 1 of 2 packages are known to the service, 0 vulnerabilities"]


class TestAudit:
    @pytest.mark.parametrize("lock", ["requirements/measuring.lock"])
    def test_of_a_machine_without_a_network_says_so_in_one_line_and_fails_nothing(self, lock: str) -> None:
        nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9")
        done = subprocess.run(
            [sys.executable, "tools/audit.py", lock],
            cwd=ROOT,
            env={**os.environ, **nowhere, "NO_PROXY": "", "no_proxy": ""},
            capture_output=True,
            text=True,
        )

        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == 1
        assert done.stdout.startswith(f"audit of {lock}: not done")
