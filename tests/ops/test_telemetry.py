"""Traces: a span for each request and each step of the cache, under the trace that the request is of."""

import httpx
import pytest
from fastapi import FastAPI
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
        app.state.telemetry = telemetry = Telemetry("", exporter)
        telemetry.start()
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
