"""`docs/scaling.md`: the tests that it names are there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[a-z_/]+\.py)::(\w+)::(\w+)`")


class TestTheFaults:
    def test_are_each_shown_by_a_test_that_there_is(self) -> None:
        rows = [line for line in (ROOT / "docs" / "scaling.md").read_text().splitlines() if "| `tests/" in line]
        named = [found.groups() for row in rows for found in NAMED.finditer(row)]

        assert len(named) == len(rows) > 15
        assert [each for each in named if not is_defined(*each)] == []


def is_defined(path: str, of_class: str, name: str) -> bool:
    """Whether a file has this test."""
    classes = [node for node in ast.parse((ROOT / path).read_text()).body if isinstance(node, ast.ClassDef)]
    tests = [each for node in classes if node.name == of_class for each in node.body]
    return any(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == name for each in tests)
