"""Metrics: what all workers count, in Prometheus's own words, whichever worker is asked."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.api import a_client
from tests.ops.conftest import Started, until
from tests.ops.test_inspecting import LONG_WAY


async def samples(client: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and the values of its labels."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


class TestMetrics:
    async def test_are_the_same_of_every_worker(
        self, client: httpx.AsyncClient, ada: httpx.AsyncClient, worker: Started
    ) -> None:
        other = await worker()
        async with a_client(other, ada.headers["authorization"].split()[1]) as there:
            for each in (ada, there, there):
                await each.get("/api/analytics/dashboard", headers=LONG_WAY)
            found = await until(lambda: samples(client), lambda found: found[("mina_cache_hits_total",)] >= 2)
            of_the_other = await until(lambda: samples(there), lambda found: found[("mina_cache_misses_total",)] >= 1)

        for each in (found, of_the_other):
            assert (each[("mina_cache_hits_total",)], each[("mina_cache_misses_total",)]) == (2, 1)
            assert each["mina_cache_endpoint_requests_total", "api_analytics.get_dashboard_analytics", "hit"] == 2
            assert each["mina_cache_answer_seconds_bucket", "hit", "+Inf"] == 2
            assert (each[("mina_workers",)], each[("mina_redis_up",)]) == (2, 1)
            assert each["mina_cache_alert", "memory"] == 0
