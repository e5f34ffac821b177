"""OpenTelemetry: set up once in a process, and only where something takes what it sends.

Where neither `APPLICATIONINSIGHTS_CONNECTION_STRING` nor `OTEL_EXPORTER_OTLP_ENDPOINT` is set, no
SDK is imported and nothing is measured. What else the SDK may be told (`OTEL_SERVICE_NAME`,
`OTEL_TRACES_SAMPLER`, `OTEL_METRIC_EXPORT_INTERVAL`, ...) it reads from the environment itself.

The providers are Fanout's own and not the process's global ones: what libraries or workloads trace
for themselves is theirs to set up.

Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fanout.adapters.connections import watched_session
from fanout.adapters.credentials import credential
from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.metrics import Metric

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.trace import Tracer

AZURE = "APPLICATIONINSIGHTS_CONNECTION_STRING"
AZURE_IDENTITY = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXEMPLARS = "OTEL_METRICS_EXEMPLAR_FILTER"
SERVICE = "fanout"
FLUSH_SECONDS = 5.0

_fixed_span_id: ContextVar[int | None] = ContextVar("given_id", default=None)


@dataclass(frozen=True)
class Otel:
    """Where spans and metrics go.

    Attributes:
        flush: Sends what is held back; may take as long as the exporters try.
    """

    tracer: "Tracer"
    instruments: Mapping[str, Any]
    flush: Callable[[], None]

    def record_metric(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        """Add to a counter, record in a histogram, or set a gauge."""
        instrument = self.instruments[metric.name]
        match metric.kind:
            case "histogram":
                instrument.record(value, labels)
            case "gauge":
                instrument.set(value, labels)
            case _:
                instrument.add(value, labels)


def record_metric(metric: Metric, value: float, **labels: str) -> None:
    """Record a value of a metric, if anything takes it."""
    sink = otel()
    if sink is not None:
        sink.record_metric(metric, value, labels)


@lru_cache(maxsize=1)
def otel() -> Otel | None:
    """Where the spans and metrics of this process go; None if nothing takes them."""
    return make_otel(os.environ) if os.environ.get(AZURE) or os.environ.get(OTLP) else None


def make_otel(values: Mapping[str, str]) -> Otel:
    """Set up the SDK with the exporters that the environment names."""
    from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class FixedIds(RandomIdGenerator):
        """Takes the id that `span_id` gives: a span that is made twice is the same one."""

        def generate_span_id(self) -> int:
            fixed_id = _fixed_span_id.get()
            return super().generate_span_id() if fixed_id is None else fixed_id

    # Each process counts from nought, and says by this which one it is.
    attributes: dict[str, Any] = {"service.instance.id": secrets.token_hex(16)}
    if "OTEL_SERVICE_NAME" not in values:
        attributes["service.name"] = values.get("WEBSITE_SITE_NAME") or SERVICE
    resource = Resource.create(attributes)
    spans = TracerProvider(resource=resource, id_generator=FixedIds())
    readers = []
    for span_exporter, metric_exporter in _exporters(values):
        spans.add_span_processor(BatchSpanProcessor(span_exporter))
        readers.append(PeriodicExportingMetricReader(_without_repeats(metric_exporter)))
    # Traces have items of their own to look at. Left to itself, the SDK would look for the span of
    # each value, which takes as long as to count it.
    exemplars = None if EXEMPLARS in values else AlwaysOffExemplarFilter()
    measures = MeterProvider(readers, resource, exemplar_filter=exemplars)

    def flush() -> None:
        # Counts first: the status has no other copy of them for alerts.
        measures.force_flush()
        spans.force_flush()

    return Otel(spans.get_tracer(SERVICE), _instruments(measures.get_meter(SERVICE)), flush)


def _without_repeats(exporter: "MetricExporter") -> "MetricExporter":
    """The exporter, which tells a gauge once each time it is set.

    Left to itself, each process repeats the value that it was given last until it ends, although
    another process may know better: a circuit would stay open, and a late request late.
    """
    from opentelemetry.sdk.metrics import _Gauge
    from opentelemetry.sdk.metrics.export import AggregationTemporality

    preferred = exporter._preferred_temporality or {}
    exporter._preferred_temporality = {**preferred, _Gauge: AggregationTemporality.DELTA}
    return exporter


def _instruments(meter: "Meter") -> dict[str, Any]:
    return {
        metric.name: getattr(meter, f"create_{metric.kind}")(
            metric.name, unit=metric.unit, description=metric.description
        )
        for metric in metrics.ALL
    }


def _exporters(values: Mapping[str, str]) -> Iterator[tuple[Any, Any]]:
    if values.get(OTLP):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        # Each has a thread of its own, and a session is for one.
        spans, measures = watched_session(), watched_session()
        yield OTLPSpanExporter(session=spans), OTLPMetricExporter(session=measures)
    if values.get(AZURE):
        from azure.monitor.opentelemetry.exporter import (
            AzureMonitorMetricExporter,
            AzureMonitorTraceExporter,
        )

        options = {"connection_string": values[AZURE], "credential": _identity(values)}
        yield AzureMonitorTraceExporter(**options), AzureMonitorMetricExporter(**options)


def _identity(values: Mapping[str, str]) -> Any:
    """The identity that Application Insights asks for, where it takes no keys.

    Source: https://learn.microsoft.com/azure/azure-monitor/app/azure-ad-authentication
    """
    text = values.get(AZURE_IDENTITY, "")
    if "Authorization=AAD" not in text:
        return None
    client_id = re.search(r"ClientId=([^;]+)", text)
    return credential(client_id[1] if client_id else None)


@contextmanager
def span_id(fixed_id: int) -> Iterator[None]:
    """Let spans that begin meanwhile have this id."""
    token = _fixed_span_id.set(fixed_id)
    try:
        yield
    finally:
        _fixed_span_id.reset(token)
