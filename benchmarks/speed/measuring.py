"""Rounds over all variants by turns, so that a slow minute of the machine meets all of them alike; medians of those."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.speed.load import Load, wrk
from benchmarks.speed.running import ServerFailed, cpu_seconds
from benchmarks.speed.stores import Stores
from benchmarks.speed.subjects import Subject
from benchmarks.speed.variants import NEVER_TWICE, Variant

WARM_UP_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of the load on one server."""

    load: Load
    cpu_seconds: float
    redis_cpu_seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.load.requests / self.load.seconds

    @property
    def cpu_us(self) -> float:
        """The server's CPU time for each request, in microseconds."""
        return self.cpu_seconds / self.load.requests * 1e6

    @property
    def redis_cpu_us(self) -> float:
        """The same of Redis."""
        return self.redis_cpu_seconds / self.load.requests * 1e6


@dataclass(slots=True)
class Row:
    """One variant with one number of pages, over all rounds."""

    variant: Variant
    keys: int
    samples: list[Sample] = field(default_factory=list)

    @property
    def pages(self) -> str:
        """How many pages are asked for, in words."""
        return "new" if self.keys == NEVER_TWICE else str(self.keys)

    @property
    def rate(self) -> float:
        """The median of requests per second."""
        return statistics.median(each.rate for each in self.samples)

    @property
    def cpu_us(self) -> float:
        """The median of CPU microseconds for each request."""
        return statistics.median(each.cpu_us for each in self.samples)

    @property
    def redis_cpu_us(self) -> float:
        """The same of Redis."""
        return statistics.median(each.redis_cpu_us for each in self.samples)

    @property
    def p50_ms(self) -> float:
        """The median of the rounds' medians."""
        return statistics.median(each.load.p50_ms for each in self.samples)

    @property
    def p99_ms(self) -> float:
        """The median of the rounds' 99th percentiles."""
        return statistics.median(each.load.p99_ms for each in self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the most requests per second of any round."""
        rates = [each.rate for each in self.samples]
        return min(rates), max(rates)


def rows_of(variants: Iterable[Variant]) -> list[Row]:
    """An empty row for each number of pages of each variant."""
    return [Row(variant, keys) for variant in variants for keys in variant.keys]


def measure(variant: Variant, rows: Sequence[Row], stores: Stores, seconds: float) -> None:
    """Start a variant anew, check its answers, load it for each of its rows; raises ServerFailed and LoadFailed."""
    with variant.open(stores) as subject:
        for row in rows:
            row.samples.append(_sample(subject, row.keys, seconds, stores))


def _sample(subject: Subject, keys: int, seconds: float, stores: Stores) -> Sample:
    subject.check(keys)
    target = subject.target(keys)
    warm_up = wrk(subject.running, target, WARM_UP_SECONDS, stores.cores.load)
    target = target.after(warm_up)
    made, redis_before, before = subject.loads(), stores.redis_cpu_seconds(), cpu_seconds(subject.running.pid)
    load = wrk(subject.running, target, seconds, stores.cores.load)
    taken = cpu_seconds(subject.running.pid) - before
    sample = Sample(load, taken, stores.redis_cpu_seconds() - redis_before)
    if load.failed or not load.requests:
        raise ServerFailed(f"{subject.name}: of {load.requests} requests {load.failed} failed")
    subject.expect_loads(made, load.requests if subject.is_uncached or keys == NEVER_TWICE else 0)
    return sample
