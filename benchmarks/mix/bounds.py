"""The published table that Mina has to beat, each of its rows as lines that hold or do not."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.mix.measuring import Mix
from benchmarks.mix.sessions import DASHBOARD, LIST, MEETING, OVERVIEW
from benchmarks.speed.claims import Claim


@dataclass(frozen=True, slots=True)
class Published:
    """A row: so many times faster, at such a hit rate."""

    name: str
    speed_up: float
    hit_rate: float


PUBLISHED = (
    Published(DASHBOARD, 18, 0.85),
    Published(OVERVIEW, 23, 0.90),
    Published(LIST, 8, 0.75),
    Published(MEETING, 10, 0.80),
)
LOAD_SAVED = 0.80


def bounds(mix: Mix) -> Iterator[Claim]:
    """Every bound on what was measured."""
    for row in PUBLISHED:
        if row.name in mix.names:
            yield Claim(f"{row.name}: hit rate", mix.hit_rate(row.name), row.hit_rate)
            yield Claim(f"{row.name}: mean without the cache to mean with it", mix.speed_up(row.name), row.speed_up)
            text = f"{row.name}: mean without the cache to mean of hits"
            yield Claim(text, mix.speed_up_of_hits(row.name), row.speed_up)
    yield Claim("share of queries saved, as the service counts them", mix.queries_saved, LOAD_SAVED)
    saved = mix.work_saved(lambda work: work.statement_seconds)
    yield Claim("share of Postgres's time in statements saved, for a request", saved, LOAD_SAVED)
