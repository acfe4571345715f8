"""The README's tour and the troubleshooting of `docs/operations.md`, pasted as they stand into one `make run`."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mina_api.dev.ports import free_port
from mina_api.ops.rules import RULES
from tests.docs.named import NAMED, is_defined
from tests.system.running import Running, running

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "docs" / "operations.md").read_text().split("## Troubleshooting\n")[1].split("\n## ")[0]
ROWS = [line for line in SECTION.splitlines() if line.startswith("| **")]
STEPS = SECTION.split("```sh\n")[1].split("```")[0]
PROMISED = re.compile(r"\S   # (.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def mina(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("dev"), free_port()) as started:
        yield started


def pasted(lines: str, mina: Running) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-eu", "-o", "pipefail"],
        input=lines,
        env={**os.environ, "MINA_URL": mina.wait(), "MINA_DEV_DIR": str(mina.directory)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(300)
class TestTour:
    def test_shows_what_it_says(self, mina: Running) -> None:
        readme = (ROOT / "README.md").read_text()
        tour = readme.split("## A tour")[1].split("```sh\n")[1].split("```")[0]
        promised = re.findall(r"# (mina; .*?)(?:   .*)?$", tour, re.MULTILINE)

        done = pasted(tour, mina)

        assert done.returncode == 0, done.stderr
        shown = re.findall(r"cache-status: (.*)", done.stdout)
        assert [_outcome(line) for line in shown] == [_outcome(line) for line in promised]
        assert '"speaker": "Grace"' in done.stdout
        assert "Grace Hopper: Please. I have a lot to say." in done.stdout
        for line in ('"title":"A tour"', '"total":1', "412", "304", "403"):
            assert f"\n{line}\n" in done.stdout


def _outcome(line: str) -> str:
    """A Cache-Status without what depends on the moment: its TTL, and whether the answer's tier was l1 or l2."""
    return re.sub(r"detail=l[12]", "detail", re.sub(r"ttl=\d+", "ttl", line)).strip()


class TestTroubleshooting:
    def test_has_a_row_for_each_alert(self) -> None:
        for rule in RULES:
            assert any(f"alert `{rule.name}`" in row for row in ROWS)

    def test_shows_each_row_by_a_step_or_a_test(self) -> None:
        shown = [row.rstrip(" |").rpartition("| ")[2] for row in ROWS]
        steps = set(re.findall(r"^# (\d)\.", STEPS, re.MULTILINE))
        tests = [NAMED.fullmatch(each) for each in shown if not each.isdecimal()]

        assert {each for each in shown if each.isdecimal()} == steps
        assert all(test is not None and is_defined(*test.groups()) for test in tests)
        assert len(tests) == 4

    @pytest.mark.timeout(300)
    def test_shows_what_it_says(self, mina: Running) -> None:
        done = pasted(STEPS, mina)

        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        promised = PROMISED.findall(STEPS)
        lines = iter(done.stdout.splitlines())
        assert len(promised) == 10
        for line in promised:
            assert line in lines, f"{line!r} is not shown in its turn:\n{done.stdout}"
