"""What Mina has to show, each as one line that holds or does not."""

import math
from collections.abc import Iterator, Sequence

from benchmarks.resilience.outage import Outages
from benchmarks.resilience.stampede import Stampedes
from benchmarks.resilience.variants import MINA
from benchmarks.speed.claims import Claim

MOST_MS = 300.0
LEAST_RATIO = 0.9
MOST_RECOVERY_SECONDS = 1.0


def bounds(stampeded: Sequence[Stampedes], lost: Sequence[Outages]) -> Iterator[Claim]:
    """Every bound on Mina for which there is a measurement."""
    for each in (each for each in stampeded if each.variant.is_mina):
        for workers, requests in each.bursts:
            # Without Redis workers know nothing of one another's loads.
            bound = workers if each.variant.is_without_redis else 1
            text = f"{each.variant.name}: loads for {requests:,} cold requests, workers: {workers}"
            yield Claim(text, each.loads(workers, requests)[1], bound, is_ceiling=True)
        yield Claim(f"{each.variant.name}: requests of stampedes that failed", each.failed, 0, is_ceiling=True)
    for outages in (each for each in lost if each.variant.is_mina):
        name = f"{outages.variant.name}, {outages.signal}"
        # Without a memory there is nothing to serve from but loads.
        if outages.variant is MINA:
            yield Claim(f"{name}: slowest answer, ms", outages.slowest_ms, MOST_MS, is_ceiling=True)
            ratio = outages.median(lambda timeline: timeline.ratio)
            yield Claim(f"{name}: throughput during the outage to healthy", ratio, LEAST_RATIO)
        errors = outages.server_errors + outages.other_errors
        yield Claim(f"{name}: answers but 200, connections lost", errors, 0, is_ceiling=True)
        recovery = math.inf if outages.recovery_seconds is None else outages.recovery_seconds
        yield Claim(f"{name}: recovery, s", recovery, MOST_RECOVERY_SECONDS, is_ceiling=True)
