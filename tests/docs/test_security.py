"""`docs/security.md`: every threat has a test, and the tests that it names are there."""

from tests.docs.named import NAMED, ROOT, is_defined

PAGE = (ROOT / "docs" / "security.md").read_text()
SECTIONS = (
    *("A hostile tenant", "A hostile Redis", "A stolen cache dump", "A stolen token", "A hostile network"),
    *("A hostile client", "Secrets at rest and in logs"),
)


def threats(section: str) -> list[str]:
    """The rows of a section's tables."""
    text = PAGE.split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [line for line in lines if not line.startswith(("|---", "| threat |"))]


class TestTheThreats:
    def test_are_each_shown_by_a_test_that_there_is(self) -> None:
        rows = [row for section in SECTIONS for row in threats(section)]
        named = [NAMED.findall(row) for row in rows]

        assert len(rows) > 40
        assert [row for row, tests in zip(rows, named, strict=True) if not tests] == []
        assert [test for tests in named for test in tests if not is_defined(*test)] == []

    def test_are_in_every_section(self) -> None:
        assert [section for section in SECTIONS if not threats(section)] == []
