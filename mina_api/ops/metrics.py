"""`/metrics` for Prometheus, made of the counts of all workers and hosts, so that any worker's answer is right.

The counts in Redis and not prometheus-client's files of each process: those are of one host, are kept for every
process that ever was, and cost a write to a mapped file at each hit. Scrape the service once, by its one address,
however many hosts it has. While Redis is away the last known counts are repeated, so that none goes down.
"""

from collections.abc import Iterator, Mapping

from fastapi import Request, Response
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from mina_api.cache.stats import LATENCY_BUCKETS, groups, histogram, named
from mina_api.cache.tier import ServerMemory, TierUnavailable
from mina_api.ops.alerts import Alerts
from mina_api.ops.dependencies import OperationsOf
from mina_api.ops.figures import OUTCOMES
from mina_api.ops.operations import Operations
from mina_api.web.routing import Router

router = Router(tags=["Operations"])

PLAIN = {
    "mina_cache_hits": ("hits", "Answers from the cache."),
    "mina_cache_misses": ("misses", "Answers that had to be loaded."),
    "mina_cache_bypasses": ("bypasses", "Answers that the cache had no part in."),
    "mina_cache_sets": ("sets", "Entries stored."),
    "mina_cache_deletes": ("deletes", "Entries deleted and tags invalidated."),
    "mina_cache_errors": ("errors", "Failures of the cache; none of them is one of an answer."),
    "mina_cache_invalidations": ("invalidations", "Writes that invalidated tags."),
    "mina_cache_loads_refused": ("loads|refused", "Loads that found too many others waiting: 503."),
    "mina_cache_loads_repeated": ("loads|repeated", "Loads run again, since Postgres had ended them for others' sake."),
}
EXAMPLE = """# HELP mina_cache_hits_total Answers from the cache.
# TYPE mina_cache_hits_total counter
mina_cache_hits_total 870.0
"""


class Families(Collector):
    """What was counted, as Prometheus has it."""

    def __init__(
        self,
        counts: Mapping[str, int],
        workers: int,
        *,
        is_redis_up: bool,
        memory: ServerMemory | None,
        alerts: Alerts,
    ) -> None:
        self._counts = counts
        self._workers = workers
        self._is_redis_up = is_redis_up
        self._memory = memory
        self._alerts = alerts

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        counts = self._counts
        for name, (count, about) in PLAIN.items():
            yield CounterMetricFamily(name, about, value=counts.get(count, 0))
        yield self._grouped("mina_cache_endpoint_requests", "Answers by endpoint and how they came.", "endpoint")
        yield self._grouped("mina_cache_prefix_requests", "Answers by prefix and how they came.", "prefix")
        tiers = CounterMetricFamily("mina_cache_tier_hits", "Hits by tier.", labels=["tier"])
        for tier, found in groups(counts, "tier").items():
            tiers.add_metric([tier], found.get("hits", 0))
        yield tiers
        outcomes = CounterMetricFamily("mina_cache_outcomes", "Answers by outcome.", labels=["outcome"])
        for outcome in OUTCOMES:
            outcomes.add_metric([outcome], named(counts, "outcome").get(outcome, 0))
        yield outcomes
        yield self._latencies()
        yield from self._gauges()

    def _grouped(self, name: str, about: str, kind: str) -> Metric:
        family = CounterMetricFamily(name, about, labels=[kind, "result"])
        for each, found in groups(self._counts, kind).items():
            for result, plural in (("hit", "hits"), ("miss", "misses"), ("bypass", "bypasses")):
                family.add_metric([each, result], found.get(plural, 0))
        return family

    def _latencies(self) -> Metric:
        about = "How long answers took; of hits before any routing one in 64 or more is timed, and counts for all."
        family = HistogramMetricFamily("mina_cache_answer_seconds", about, labels=["kind"])
        for kind in ("hit", "miss", "bypass"):
            buckets, total = [], 0
            for bound, count in zip((*LATENCY_BUCKETS, None), histogram(self._counts, kind), strict=True):
                total += count
                buckets.append(("+Inf" if bound is None else str(bound / 1000), float(total)))
            family.add_metric([kind], buckets, sum_value=None)
        return family

    def _gauges(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("mina_redis_up", "Whether Redis is asked.", value=float(self._is_redis_up))
        yield GaugeMetricFamily("mina_workers", "Workers that are counted.", value=self._workers)
        if self._memory is not None:
            used, most = self._memory.used_bytes, self._memory.maximum_bytes
            yield GaugeMetricFamily("mina_redis_memory_bytes", "What Redis uses.", value=used)
            yield GaugeMetricFamily("mina_redis_memory_max_bytes", "What Redis may use; 0: no limit.", value=most)
        family = GaugeMetricFamily("mina_cache_alert", "Alerts of the service: 1 while one fires.", labels=["rule"])
        for alert in self._alerts.alerts:
            family.add_metric([alert.name], float(alert.state == "firing"))
        yield family


class Metrics:
    """The metrics of all workers; remembers the last that were known."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    async def text(self, operations: Operations) -> bytes:
        """The exposition (text format)."""
        memory: ServerMemory | None = None
        workers, is_up = 1, True
        try:
            told = await operations.teller.read()
            memory = await operations.cache.server_memory()
            self._last, workers = told.counts, len(told.workers)
        except TierUnavailable:
            is_up = False
        registry = CollectorRegistry(auto_describe=False)
        alerts = await operations.watch.alerts()
        registry.register(
            Families(self._last or operations.teller.own(), workers, is_redis_up=is_up, memory=memory, alerts=alerts)
        )
        return generate_latest(registry)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "the text format of Prometheus",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE}},
        }
    },
)
async def get_metrics(request: Request, operations: OperationsOf) -> Response:
    """What was counted over all workers and hosts: scrape the service once, by its one address."""
    return Response(await request.app.state.metrics.text(operations), media_type=CONTENT_TYPE_LATEST)
