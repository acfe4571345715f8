"""Pages whose Python is run as it stands: blocks in their order, in one namespace, and what they say that they show.

A line that is one expression may end with `# → text`: its value's `repr` or `str` has to be that text. With
`# → raises Name: text` it has to raise that, and `text` has to be in the message.
"""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"# → (.*)$")
FAILS = re.compile(r"raises (\w+)(?:: (.*))?$")
FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


class Page:
    """One page: `run` it, then `shown` says how often it showed something."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text()
        self._path = path
        self.shown = 0

    @property
    def promised(self) -> int:
        """How often its Python says that something is shown."""
        return sum(len(SHOWN.findall(line)) for block in BLOCK.findall(self.text) for line in block.splitlines())

    async def run(self, namespace: dict[str, Any]) -> None:
        """Run its blocks; raises AssertionError where something else is shown, by the page's line."""
        namespace |= {"__name__": "guide", "_shows": self._shows, "_fails": self._fails}
        for match in BLOCK.finditer(self.text):
            before = self.text.count("\n", 0, match.start(1))
            for statement in _statements(match[1], before):
                code = compile(ast.Module([statement], []), str(self._path), "exec", flags=FLAGS)
                if inspect.isawaitable(running := eval(code, namespace)):
                    await running

    def _shows(self, value: object, text: str, line: int) -> None:
        self.shown += 1
        assert text in (repr(value), str(value)), f"{self._path.name}:{line} shows {value!r}, not {text}"

    def _fails(self, failure: Exception | None, text: str, line: int) -> None:
        self.shown += 1
        match = FAILS.match(text)
        assert match is not None
        assert failure is not None, f"{self._path.name}:{line} raises nothing"
        assert type(failure).__name__ == match[1], f"{self._path.name}:{line} raises {failure!r}"
        assert (match[2] or "") in str(failure), f"{self._path.name}:{line} raises {failure!r}"


def _statements(source: str, before: int) -> list[ast.stmt]:
    """The statements of a block, at their lines of the page; what shows something checks it."""
    lines = source.splitlines()
    tree = ast.parse(source)
    return [ast.increment_lineno(_checked(node, lines, before), before) for node in tree.body]


def _checked(node: ast.stmt, lines: list[str], before: int) -> ast.stmt:
    last = node.end_lineno or node.lineno
    shown = SHOWN.search(lines[last - 1])
    if shown is None:
        return node
    assert isinstance(node, ast.Expr), f"line {before + last}: only an expression shows something"
    arguments = [ast.Constant(shown[1].strip()), ast.Constant(before + last)]
    if FAILS.match(shown[1]):
        (trying,) = ast.parse("try:\n _failure = None\nexcept Exception as _raised:\n _failure = _raised\n").body
        assert isinstance(trying, ast.Try)
        trying.body.append(node)
        check = ast.Expr(ast.Call(ast.Name("_fails", ast.Load()), [ast.Name("_failure", ast.Load()), *arguments], []))
        trying.finalbody = [check]
        return ast.fix_missing_locations(ast.copy_location(trying, node))
    node.value = ast.Call(ast.Name("_shows", ast.Load()), [node.value, *arguments], [])
    return ast.fix_missing_locations(node)
