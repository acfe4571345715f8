"""A stampede: so many requests at once for a page that nobody has loaded yet."""

import asyncio
import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.resilience.serving import PATIENCE_SECONDS, Service, serving
from benchmarks.resilience.variants import Variant
from benchmarks.serving import Stores
from tests.system.history.connections import Answer, Connection

WORKERS = (1, 2)
REQUESTS = (200, 1000)
# A heavy query: what a stampede would crush a database with.
LOAD_SECONDS = 0.1
WARMED, FIRST_COLD = 1, 1000


@dataclass(frozen=True, slots=True)
class Burst:
    """What one stampede came to; `failed` counts lost connections and what is not a 200."""

    loads: int
    slowest_ms: float
    failed: int


@dataclass(slots=True)
class Stampedes:
    """The stampedes of a variant, by how many workers and requests."""

    variant: Variant
    bursts: dict[tuple[int, int], list[Burst]] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """Requests without a 200 in all of them."""
        return sum(burst.failed for bursts in self.bursts.values() for burst in bursts)

    def loads(self, workers: int, requests: int) -> tuple[float, int]:
        """How often the handler ran: the median and the most."""
        taken = [burst.loads for burst in self.bursts[workers, requests]]
        return statistics.median(taken), max(taken)

    def slowest_ms(self, workers: int, requests: int) -> float:
        """The slowest answer of all rounds."""
        return max(burst.slowest_ms for burst in self.bursts[workers, requests])


async def stampedes(
    stores: Stores, variants: Sequence[Variant], rounds: int, report: Callable[[str], None]
) -> list[Stampedes]:
    """Every variant under every stampede, by turns."""
    found = [Stampedes(variant) for variant in variants]
    for number, each, workers in itertools.product(range(rounds), found, WORKERS):
        report(f"stampede, round {number + 1} of {rounds}: {each.variant.name}, workers: {workers}")
        async with serving(stores, each.variant, workers, LOAD_SECONDS) as service:
            await service.warm(WARMED)
            try:
                if each.variant.is_without_redis:
                    stores.valkey.stop()
                    # Whoever asks next finds it gone; then it is known to be.
                    await service.warm(WARMED + 1)
                for place, requests in enumerate(REQUESTS):
                    taken = each.bursts.setdefault((workers, requests), [])
                    taken.append(await burst(service, requests, FIRST_COLD + place))
            finally:
                if each.variant.is_without_redis:
                    stores.valkey.start()
    return found


async def burst(service: Service, requests: int, page: int) -> Burst:
    """So many requests at once for a page, each by a connection that is open already, over the workers by turns."""
    ports = itertools.islice(itertools.cycle(server.port for server in service.servers), requests)
    connections = [await Connection.open(port, PATIENCE_SECONDS) for port in ports]
    before, request = service.loads, service.request(page)
    try:
        asked = (connection.ask(request, PATIENCE_SECONDS) for connection in connections)
        ended: list[tuple[float, Answer] | BaseException] = await asyncio.gather(*asked, return_exceptions=True)
    finally:
        for connection in connections:
            connection.close()
    answers = [each for each in ended if not isinstance(each, BaseException)]
    slowest = max((answer.ended - began for began, answer in answers), default=PATIENCE_SECONDS)
    if len(answers) < requests:
        slowest = PATIENCE_SECONDS
    failed = requests - sum(answer.status == 200 for _, answer in answers)
    return Burst(service.loads - before, 1000 * slowest, failed)
