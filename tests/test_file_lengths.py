"""Small files: each is one concept, and short enough to be read at once."""

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("mina_api", "tests", "benchmarks", "tools", "alembic", "examples")
LIMIT = 300


def too_long(paths: Iterable[Path]) -> dict[str, int]:
    """The files that have LIMIT lines or more, and how many."""
    lengths = {str(path): len(path.read_text().splitlines()) for path in paths}
    return {path: length for path, length in sorted(lengths.items()) if length >= LIMIT}


class TestFileLengths:
    def test_are_under_300_lines(self) -> None:
        found = {folder: list((ROOT / folder).rglob("*.py")) for folder in FOLDERS}

        assert all(found.values()), "a folder without Python is not one of ours"
        assert too_long(path for paths in found.values() for path in paths) == {}

    def test_are_shown_where_they_are_not(self, tmp_path: Path) -> None:
        for length in (LIMIT - 1, LIMIT):
            (tmp_path / f"{length}.py").write_text("pass\n" * length)

        assert too_long(tmp_path.rglob("*.py")) == {str(tmp_path / "300.py"): 300}
