"""The README's tour, pasted as it stands."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mina_api.dev.ports import free_port
from tests.system.running import Running, running

ROOT = Path(__file__).parents[2]


@pytest.fixture
def mina(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, free_port()) as started:
        yield started


class TestTour:
    def test_shows_what_it_says(self, mina: Running) -> None:
        readme = (ROOT / "README.md").read_text()
        tour = readme.split("## A tour")[1].split("```sh\n")[1].split("```")[0]
        promised = re.findall(r"# (mina; .*?)(?:   .*)?$", tour, re.MULTILINE)

        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail"],
            input=tour,
            env={**os.environ, "MINA": mina.wait(), "MINA_DEV_DIR": str(mina.directory)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

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
