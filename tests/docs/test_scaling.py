"""`docs/scaling.md`: the tests that it names are there, and what they measured."""

from tests.docs.faults import COLUMNS, rows
from tests.docs.named import NAMED, is_defined


class TestTheFaults:
    def test_are_each_shown_by_a_test_that_there_is(self) -> None:
        tests = [row[-1] for row in rows()]
        named = [found.groups() for test in tests for found in NAMED.finditer(test)]

        assert len(named) == len(tests) > 15
        assert [each for each in named if not is_defined(*each)] == []

    def test_have_each_a_figure_that_was_measured(self) -> None:
        place = COLUMNS.index("measured")

        assert [row for row in rows() if len(row) != len(COLUMNS) or not any(map(str.isdigit, row[place]))] == []
