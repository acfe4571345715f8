"""Unions and overlaps of half-open intervals of integer milliseconds."""

from collections.abc import Iterable, Sequence

Interval = tuple[int, int]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The disjoint intervals, in order, that cover just what `intervals` cover; empty ones cover nothing."""
    covered: list[Interval] = []
    for start, end in sorted(each for each in intervals if each[0] < each[1]):
        if covered and start <= covered[-1][1]:
            covered[-1] = (covered[-1][0], max(covered[-1][1], end))
        else:
            covered.append((start, end))
    return covered


def length(intervals: Iterable[Interval]) -> int:
    """The sum of the lengths."""
    return sum(end - start for start, end in intervals)


def covered_by(unions: Iterable[Sequence[Interval]]) -> tuple[int, int]:
    """How long at least one, and how long at least two of several unions cover, by a sweep over their ends."""
    changes = sorted(
        (moment, step) for each in unions for pair in each for moment, step in zip(pair, (1, -1), strict=True)
    )
    one = two = depth = before = 0
    for moment, step in changes:
        one += (moment - before) * (depth >= 1)
        two += (moment - before) * (depth >= 2)
        depth += step
        before = moment
    return one, two
