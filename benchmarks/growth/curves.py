"""Curves: a quantity at several sizes, each measured in rounds by turns; medians, with the least and the most."""

import statistics
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

Measure = Callable[[int], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Point:
    """A quantity at the size `x`, in each round."""

    x: float
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of the rounds."""
        return statistics.median(self.samples)


@dataclass(slots=True)
class Curve:
    """One picture and one table: a line of points for each of its series."""

    title: str
    x: str
    y: str
    series: dict[str, list[Point]] = field(default_factory=dict)
    is_linear: bool = False

    def ratio(self, name: str) -> float:
        """How much more a series has at its largest size than at its least."""
        points = self.series[name]
        return points[-1].median / points[0].median

    @property
    def sizes(self) -> list[float]:
        """Every size of any series, ascending."""
        return sorted({point.x for points in self.series.values() for point in points})

    def at(self, name: str, x: float) -> Point | None:
        """A series' point at a size."""
        return next((point for point in self.series[name] if point.x == x), None)


async def by_turns(measures: Mapping[int, Measure], rounds: int) -> list[Point]:
    """A point for each size; all sizes are measured in each round, so that a slow minute meets them alike."""
    samples: dict[int, list[float]] = {x: [] for x in measures}
    for number in range(rounds):
        for x, measure in measures.items():
            samples[x].append(await measure(number))
    return [Point(x, tuple(found)) for x, found in samples.items()]
