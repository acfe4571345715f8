"""Traces by OpenTelemetry, where the extra `telemetry` is installed and an endpoint is set.

A request that brings a trace context (W3C Trace Context) is a part of that trace; it takes the long way, since a
shortcut has no steps that could be told apart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mina_api.cache.tracing import install_tracer


class TelemetryMissing(Exception):
    """Traces are wanted, but the extra that makes them is not installed."""


class Telemetry:
    """A provider of traces, from `start` to `close`; `exporter` takes the spans, by default OTLP over HTTP."""

    def __init__(self, endpoint: str, exporter: Any = None) -> None:
        try:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            if exporter is None:
                from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

                exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")
        except ImportError as missing:
            raise TelemetryMissing("traces need the extra: pip install 'mina-api[telemetry]'") from missing
        self._provider = TracerProvider(resource=Resource.create({"service.name": "mina"}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("mina")

    def start(self) -> None:
        """Have the cache's steps told."""
        install_tracer(self._span)

    def close(self) -> None:
        """Send what is left."""
        install_tracer(None)
        self._provider.shutdown()

    def flush(self) -> None:
        """Send what there is."""
        self._provider.force_flush()

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
