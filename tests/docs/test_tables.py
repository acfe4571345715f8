"""Tables that pages copy from the benchmarks' results are those of the results."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What was measured, a figure or more, and the page that has them.
ROW = re.compile(r"^\| [^|]+ \| ([^|]+) \| \[\w+\]\(\.\./([^)]+)\) \|$", re.MULTILINE)
COPY = re.compile(r"^<!-- from (\S+) -->\n((?:\|.*\n)+)", re.MULTILINE)
NUMBER = re.compile(r"(?<![p\w])\d+(?:\.\d+)?")
# Pages that have to say what was measured.
PAGES = ("coherence", "scaling")


def copies(page: str) -> Iterator[tuple[str, list[str]]]:
    """Where each copied table is from, and its lines."""
    for source, table in COPY.findall((ROOT / "docs" / f"{page}.md").read_text()):
        yield source, table.splitlines()


@pytest.mark.parametrize("page", PAGES)
def test_are_copied_as_they_are(page: str) -> None:
    found = list(copies(page))

    assert found
    for source, lines in found:
        measured = (ROOT / source).read_text().splitlines()
        assert [line for line in lines if line not in measured] == []


def test_figures_are_those_of_the_page_that_is_named() -> None:
    rows = [row for page in (ROOT / "docs").glob("*.md") for row in ROW.findall(page.read_text())]

    assert len(rows) >= 5
    for figures, page in rows:
        measured = set(NUMBER.findall((ROOT / page).read_text().replace(",", "")))
        said = NUMBER.findall(figures.replace(",", ""))
        assert said and set(said) <= measured, figures


def test_are_of_results_only() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        assert all(source.startswith("benchmarks/results/") for source, _ in copies(page.stem))
