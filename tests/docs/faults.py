"""`make measure-faults`: run each test that docs/scaling.md has in its table of faults, and write down its figures."""

import json
import subprocess
import sys
from collections.abc import Iterator

from tests.docs.named import NAMED, ROOT

PAGE = ROOT / "docs" / "scaling.md"
FOUND = ROOT / ".dev" / "faults.json"
COLUMNS = ("fault", "answer", "bound", "measured", "test")


def rows() -> Iterator[list[str]]:
    """The cells of each row."""
    for line in PAGE.read_text().splitlines():
        if NAMED.search(line) and line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def main() -> int:
    """Measure and write; the exit code is pytest's."""
    named = ["::".join(found.groups()) for row in rows() if (found := NAMED.search(row[-1]))]
    FOUND.parent.mkdir(exist_ok=True)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--measured={FOUND}", *named], check=False, cwd=ROOT
    ).returncode
    if ended == 0:
        measured = json.loads(FOUND.read_text())
        lines = [_with(measured, line) for line in PAGE.read_text().splitlines()]
        PAGE.write_text("\n".join([*lines, ""]))
    return ended


def _with(measured: dict[str, dict[str, tuple[float, str]]], line: str) -> str:
    found = NAMED.search(line)
    if found is None or not line.startswith("| "):
        return line
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    figures = measured.get("::".join(found.groups()), {})
    cells[COLUMNS.index("measured")] = "; ".join(f"{what} {_worded(*each)}" for what, each in figures.items())
    return f"| {' | '.join(cells)} |"


def _worded(value: float, unit: str) -> str:
    if unit == "ms" and value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:,.0f} {unit}".strip()


if __name__ == "__main__":
    sys.exit(main())
