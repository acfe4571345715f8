"""What tests of faults measure by the way, for the table in docs/scaling.md; nothing is asserted on it.

`make measure-faults` runs the tests that the table names with `--measured=FILE`, and writes their figures into it.
"""

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest

PROPERTY = "measured"


class Measured:
    """The figures of one test: the most of each, over all its parameters, is what is told."""

    def __init__(self, node: pytest.Item) -> None:
        self._node = node

    def note(self, what: str, value: float, unit: str = "ms") -> None:
        """A figure."""
        self._node.user_properties.append((PROPERTY, [what, value, unit]))

    def slowest(self, what: str, answers: Iterable[httpx.Response]) -> None:
        """How long the slowest of some answers took."""
        self.note(what, 1000 * max(answer.elapsed.total_seconds() for answer in answers))

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """How long the block takes."""
        began = time.perf_counter()
        yield
        self.note(what, 1000 * (time.perf_counter() - began))


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Takes the test's figures."""
    return Measured(request.node)


class Keeper:
    """Writes the figures of all tests into a file, by their names without parameters."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._found: dict[str, dict[str, tuple[float, str]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a test's."""
        if report.when != "teardown":
            return
        figures = self._found.setdefault(report.nodeid.partition("[")[0], {})
        for name, figure in report.user_properties:
            if name == PROPERTY:
                what, value, unit = cast("tuple[str, float, str]", figure)
                figures[what] = (max(value, figures.get(what, (0.0, unit))[0]), unit)

    def pytest_sessionfinish(self) -> None:
        """Write them."""
        self._file.write_text(json.dumps(self._found, indent=1))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--measured=FILE`: keep what tests measure."""
    parser.addoption("--measured", type=Path, help="keep what tests measure, in this file")


def pytest_configure(config: pytest.Config) -> None:
    """Keep it where that is wanted."""
    if (file := config.getoption("--measured")) is not None:
        config.pluginmanager.register(Keeper(file))
