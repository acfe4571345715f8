"""Runs with the cache and without it by turns, on the same requests, gathered by how many reads come to a write."""

import itertools
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import uvloop
from redis import Redis

from benchmarks.mix.database import DatabaseWork, work_so_far
from benchmarks.mix.ideal import Hits, ideal_hits
from benchmarks.mix.load import Run, Taken, load
from benchmarks.mix.plan import Ask, Plan
from benchmarks.mix.serving import check_answer
from benchmarks.servers import serving

# Without the cache far fewer requests are done in a time, and their order is nothing to it: it gets every 17th of the
# same ones, so that its share of each kind is that of as long a stretch of the day.
THINNED = 17
WARM_UP_SHARE = 0.25
# At a rate, what fills the cache takes too long: these come as fast as they are answered, on the side that has one.
FILLING = 20_000
PACED_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: where its stores are, who signs in, what they look at, and how it is loaded."""

    database_url: str
    redis_url: str
    secret: str
    tokens: Sequence[str]
    meetings: Sequence[int]
    workers: int
    connections: int


@dataclass(slots=True)
class Side:
    """With the cache, or without it: everything of all rounds."""

    taken: dict[str, Taken] = field(default_factory=dict)
    seconds: float = 0.0
    sent: int = 0
    work: DatabaseWork = field(default_factory=DatabaseWork)

    def add(self, run: Run, work: DatabaseWork) -> None:
        """Count a round; `work` is that of all its requests, the warm-up's too."""
        for name, taken in run.taken.items():
            self.taken.setdefault(name, Taken()).add(taken)
        self.seconds += run.seconds
        self.sent += run.sent
        self.work += work

    @property
    def rate(self) -> float:
        """Requests per second."""
        return sum(len(each.seconds) for each in self.taken.values()) / self.seconds


@dataclass(slots=True)
class Mix:
    """What was measured with so many reads to a write, and what an ideal cache would have answered.

    `rate` is how many requests a second come, to both sides alike; None: as many as each of them answers.
    """

    reads_per_write: float
    rate: float | None = None
    without: Side = field(default_factory=Side)
    cached: Side = field(default_factory=Side)
    ideal: dict[str, Hits] = field(default_factory=dict)

    def hit_rate(self, name: str) -> float:
        """Of the endpoint's requests, those that the cache answered."""
        taken = self.cached.taken[name]
        return len(taken.hits) / len(taken.seconds)

    def speed_up(self, name: str) -> float:
        """Mean response time without the cache to that with it, hits and misses together."""
        return _mean(self.without.taken[name].seconds) / _mean(self.cached.taken[name].seconds)

    def speed_up_of_median(self, name: str) -> float:
        """The same of medians."""
        median = statistics.median
        return median(self.without.taken[name].seconds) / median(self.cached.taken[name].seconds)

    def speed_up_of_hits(self, name: str) -> float:
        """Mean response time without the cache to that of a hit; 0 where there was none."""
        hits = self.cached.taken[name].hits
        return _mean(self.without.taken[name].seconds) / _mean(hits) if hits else 0.0

    @property
    def names(self) -> list[str]:
        """The kinds of requests that were measured on both sides."""
        return [name for name in self.cached.taken if name in self.without.taken]

    @property
    def speed_up_of_all(self) -> float:
        """Of every request in the mix of the cached side: that the other got fewer of a kind changes nothing."""
        without = sum(self._count(name) * _mean(self.without.taken[name].seconds) for name in self.names)
        return without / sum(sum(self.cached.taken[name].seconds) for name in self.names)

    @property
    def queries_saved(self) -> float:
        """The share of queries that was not made, by what the service says of itself, in that same mix."""
        without = sum(self._count(name) * queries_each(self.without.taken[name]) for name in self.names)
        return 1 - sum(self.cached.taken[name].queries for name in self.names) / without

    def work_saved(self, of: Callable[[DatabaseWork], float]) -> float:
        """The share of Postgres's work for a request that was not done, by its own counters."""
        return 1 - (of(self.cached.work) / self.cached.sent) / (of(self.without.work) / self.without.sent)

    def _count(self, name: str) -> int:
        return len(self.cached.taken[name].seconds)


def queries_each(taken: Taken) -> float:
    """Queries for a request."""
    return taken.queries / len(taken.seconds)


def percentile(seconds: Sequence[float], share: float) -> float:
    """The time in milliseconds that `share` of the requests did not exceed."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _mean(seconds: Sequence[float]) -> float:
    return statistics.fmean(seconds)


def measure(mix: Mix, subject: Subject, *, is_cached: bool, seconds: float, seed: int) -> Run:
    """One round of one side."""
    with Redis.from_url(subject.redis_url) as client:
        client.flushall()
    plan: Iterator[Ask] = iter(Plan(subject.meetings, mix.reads_per_write, seed))
    url = subject.database_url
    environment = {
        "REDIS_URL": subject.redis_url,
        "MINA_SECRET_KEY": subject.secret,
        "MINA_CACHE_ENABLED": str(is_cached).lower(),
    }
    with serving(url, workers=subject.workers, **environment) as port:
        check_answer(port, subject.tokens[0])
        before = uvloop.run(work_so_far(url))
        run = uvloop.run(_load(mix, subject, plan, port, is_cached=is_cached, seconds=seconds))
    # A connection's counters are complete once it is closed.
    side = mix.cached if is_cached else mix.without
    side.add(run, uvloop.run(work_so_far(url)) - before)
    if is_cached:
        asks = itertools.islice(Plan(subject.meetings, mix.reads_per_write, seed), run.sent)
        for name, hits in ideal_hits(asks, run.sent - run.requests).items():
            total = mix.ideal.setdefault(name, Hits())
            total.hits += hits.hits
            total.requests += hits.requests
    return run


async def _load(mix: Mix, subject: Subject, plan: Iterator[Ask], port: int, *, is_cached: bool, seconds: float) -> Run:
    warm_up_seconds = WARM_UP_SHARE * seconds
    if mix.rate is None:
        thinned = plan if is_cached else itertools.islice(plan, 0, None, THINNED)
        return await load(
            port,
            subject.tokens,
            thinned,
            connections=subject.connections,
            warm_up_seconds=warm_up_seconds,
            seconds=seconds,
        )
    filling = itertools.islice(plan, FILLING)
    sent = 0
    if is_cached:
        forever = {"warm_up_seconds": math.inf, "seconds": 0.0}
        sent = (await load(port, subject.tokens, filling, connections=subject.connections, **forever)).sent
    else:
        # They leave the plan where it is on the other side.
        for _ in filling:
            pass
    run = await load(
        port,
        subject.tokens,
        plan,
        connections=PACED_CONNECTIONS,
        warm_up_seconds=warm_up_seconds,
        seconds=seconds,
        rate=mix.rate,
    )
    run.sent += sent
    return run
