"""Tests that pages name: as `tests/…/test_….py::Class::test`."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[a-z_/]+\.py)::(\w+)::(\w+)`")


def is_defined(path: str, of_class: str, name: str) -> bool:
    """Whether a file has this test."""
    classes = [node for node in ast.parse((ROOT / path).read_text()).body if isinstance(node, ast.ClassDef)]
    tests = [each for node in classes if node.name == of_class for each in node.body]
    return any(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == name for each in tests)
