"""Telemetry: a span for each request and each step of the cache, under the request's trace; and the counts."""

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mina_api.ops.telemetry import Telemetry
from tests.api import a_meeting

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


class TestTelemetry:
    async def test_has_a_span_for_each_step_within_the_requests_trace(
        self, app: FastAPI, ada: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        exporter = InMemorySpanExporter()
        app.state.telemetry = telemetry = Telemetry("", "worker-1", exporter, InMemoryMetricReader())
        telemetry.start(dict)
        try:
            await ada.get("/api/analytics/dashboard", headers=PARENT)
            await a_meeting(ada)
            telemetry.flush()
        finally:
            telemetry.close()
            app.state.telemetry = None
        spans = exporter.get_finished_spans()
        of_the_trace = {span.name for span in spans if span.context and f"{span.context.trace_id:032x}" == TRACE}
        request = next(span for span in spans if span.name == "GET /api/analytics/dashboard")

        assert {"cache.look_up", "cache.load", "cache.store"} <= of_the_trace
        assert request.attributes is not None and request.attributes["http.response.status_code"] == 200
        assert "cache.invalidate" in {span.name for span in spans}

    async def test_has_the_counts_of_the_worker_whenever_they_are_collected(
        self, app: FastAPI, ada: httpx.AsyncClient
    ) -> None:
        reader = InMemoryMetricReader()
        telemetry = Telemetry("", "worker-1", InMemorySpanExporter(), reader)
        telemetry.start(app.state.operations.teller.own)
        try:
            for _ in range(3):
                await ada.get("/api/analytics/dashboard", headers={"Pragma": "x"})
            found = reader.get_metrics_data()
        finally:
            telemetry.close()
        assert found is not None
        (resource,) = found.resource_metrics
        points = {
            (metric.name, *map(str, (point.attributes or {}).values())): point.value
            for metric in resource.scope_metrics[0].metrics
            for point in metric.data.data_points
            if isinstance(point, NumberDataPoint)
        }

        assert resource.resource.attributes["service.instance.id"] == "worker-1"
        assert (points["mina.cache.hits",], points["mina.cache.misses",]) == (2, 1)
        endpoint = "api_analytics.get_dashboard_analytics"
        assert points["mina.cache.requests", endpoint, "hit"] == 2
        assert points["mina.cache.requests", endpoint, "miss"] == 1
