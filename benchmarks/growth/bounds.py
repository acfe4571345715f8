"""What must not grow, each as one line that holds or does not."""

from collections.abc import Iterator, Sequence

from benchmarks.growth.curves import Curve
from benchmarks.growth.engine import MEMORY, REDIS
from benchmarks.speed.claims import Claim

# Random keys among a million miss the processor's caches; that is all that may be seen of their number.
MOST_IN_MEMORY = 4.0
MOST_IN_REDIS = 1.5
MOST_TAGS = 2.0


def bounds(hits: Curve, cleared: Curve, tags: Curve) -> Iterator[Claim]:
    """Every bound on ratios of medians, of the largest size to the least."""
    for curve, name, bound in (
        (hits, MEMORY, MOST_IN_MEMORY),
        (hits, REDIS, MOST_IN_REDIS),
        (cleared, REDIS, MOST_IN_REDIS),
        (tags, MEMORY, MOST_TAGS),
        (tags, REDIS, MOST_TAGS),
    ):
        sizes = [point.x for point in curve.series[name]]
        text = f"{curve.title}, {name}: {sizes[-1]:,g} to {sizes[0]:,g}"
        yield Claim(text, curve.ratio(name), bound, is_ceiling=True)


def all_hold(claims: Sequence[Claim]) -> bool:
    """Whether each does."""
    return all(claim.holds for claim in claims)
