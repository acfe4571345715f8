"""Traces and metrics by OpenTelemetry, where the extra `telemetry` is installed and an endpoint is set.

Metrics are each worker's own, which the collector adds: what a worker is comes with them (`service.instance.id`).

A request that brings a trace context (W3C Trace Context) is a part of that trace; it takes the long way, since a
shortcut has no steps that could be told apart.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mina_api.cache.stats import TOTALS, groups
from mina_api.cache.tracing import install_tracer

# One of an endpoint's counts, as the attribute `result` says it.
RESULTS = {"hits": "hit", "misses": "miss", "bypasses": "bypass", "errors": "error"}


class TelemetryMissing(Exception):
    """Telemetry is wanted, but the extra that makes it is not installed."""


class Telemetry:
    """Providers of traces and metrics, from `start` to `close`; by default both go by OTLP over HTTP.

    `exporter` takes the spans in its place, `reader` the metrics. Raises TelemetryMissing.
    """

    def __init__(self, endpoint: str, instance: str, exporter: Any = None, reader: Any = None) -> None:
        try:
            from opentelemetry.sdk.metrics import MeterProvider
            from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            base = endpoint.rstrip("/")
            if exporter is None:
                from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

                exporter = OTLPSpanExporter(f"{base}/v1/traces")
            if reader is None:
                from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

                reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{base}/v1/metrics"))
        except ImportError as missing:
            raise TelemetryMissing("telemetry needs its extra: pip install 'mina-api[telemetry]'") from missing
        resource = Resource.create({"service.name": "mina", "service.instance.id": instance})
        self._traces = TracerProvider(resource=resource)
        self._traces.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._traces.get_tracer("mina")
        self._metrics = MeterProvider([reader], resource=resource)

    def start(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Have the cache's steps told, and what `counts` gives measured whenever metrics are collected."""
        from opentelemetry.metrics import CallbackOptions, Observation

        def total(name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
            return lambda _: [Observation(counts().get(name, 0))]

        def by_endpoint(_: CallbackOptions) -> Iterable[Observation]:
            for endpoint, found in groups(counts(), "endpoint").items():
                for plural, result in RESULTS.items():
                    yield Observation(found.get(plural, 0), {"endpoint": endpoint, "result": result})

        meter = self._metrics.get_meter("mina")
        for name in TOTALS:
            meter.create_observable_counter(f"mina.cache.{name}", [total(name)])
        meter.create_observable_counter("mina.cache.requests", [by_endpoint], "{request}", "answers by endpoint")
        install_tracer(self._span)

    def close(self) -> None:
        """Send what is left."""
        install_tracer(None)
        self._traces.shutdown()
        self._metrics.shutdown()

    def flush(self) -> None:
        """Send what there is."""
        self._traces.force_flush()
        self._metrics.force_flush()

    @contextmanager
    def serving(self, scope: Scope) -> Iterator[Any]:
        """The span of a request, a child of what its `traceparent` names."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        context = TraceContextTextMapPropagator().extract(headers)
        attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
        with self._tracer.start_as_current_span(
            str(scope["method"]), context=context, kind=SpanKind.SERVER, attributes=attributes
        ) as span:
            yield span

    @contextmanager
    def _span(self, name: str, attributes: dict[str, Any]) -> Iterator[Any]:
        with self._tracer.start_as_current_span(name, attributes=attributes) as span:
            yield span


class Traced:
    """Pure-ASGI middleware: each request that is routed is a span, while the application has telemetry."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        telemetry: Telemetry | None = getattr(scope["app"].state, "telemetry", None) if "app" in scope else None
        if scope["type"] != "http" or telemetry is None:
            await self._app(scope, receive, send)
            return
        with telemetry.serving(scope) as span:

            async def send_noting_status(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if (route := scope.get("route")) is not None:
                        span.update_name(f"{scope['method']} {route.path}")
                await send(message)

            await self._app(scope, receive, send_noting_status)
