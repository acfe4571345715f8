"""Every page: what it links to is there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def pages() -> list[str]:
    """The pages of this tree, by their names; also those that are not committed yet."""
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md", "llms.txt")
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [name for name in names if (ROOT / name).exists()]


def anchors(page: Path) -> set[str]:
    """What can be linked to in a page: its headings, as GitHub writes them."""
    headings = HEADING.findall(FENCED.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


class TestLinks:
    @pytest.mark.parametrize("name", pages())
    def test_lead_somewhere(self, name: str) -> None:
        page = ROOT / name
        links = [link for link in LINK.findall(FENCED.sub("", page.read_text())) if "://" not in link]

        broken = []
        for link in links:
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(link)
        assert broken == []

    def test_are_of_every_page_under_docs(self) -> None:
        """The README leads to each of them, so that a stranger finds it."""
        linked = set(LINK.findall((ROOT / "README.md").read_text()))

        assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= linked
