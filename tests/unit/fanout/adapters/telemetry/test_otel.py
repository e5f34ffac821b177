import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fanout.adapters.telemetry import metrics, otel

INSIGHTS = "InstrumentationKey=00000000-0000-0000-0000-000000000000"


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (otel.AZURE, otel.OTLP, otel.AZURE_IDENTITY, otel.EXEMPLARS):
        monkeypatch.delenv(name, raising=False)
    otel.otel.cache_clear()
    yield
    otel.otel.cache_clear()


def kinds(values: dict[str, str]) -> list[tuple[str, str]]:
    return [(type(s).__name__, type(m).__name__) for s, m in otel._exporters(values)]


def test_nobody_listens_unless_a_setting_says_who():
    assert otel.otel() is None
    otel.record_metric(metrics.RUNS, 1, workload="w", outcome="failed")


def test_what_is_sent_goes_to_each_that_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    otlp = ("OTLPSpanExporter", "OTLPMetricExporter")
    azure = ("AzureMonitorTraceExporter", "AzureMonitorMetricExporter")
    assert kinds({}) == []
    assert kinds({otel.OTLP: "http://127.0.0.1:1"}) == [otlp]
    assert kinds({otel.AZURE: INSIGHTS}) == [azure]
    assert kinds({otel.AZURE: INSIGHTS, otel.OTLP: "http://127.0.0.1:1"}) == [otlp, azure]


@pytest.mark.parametrize(
    ("said", "client_id"),
    [("ClientId=abc;Authorization=AAD", "abc"), ("Authorization=AAD", None)],
)
def test_application_insights_is_reached_by_the_identity_where_it_takes_no_keys(
    said: str, client_id: str | None, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Any] = []
    monkeypatch.setattr(otel, "credential", asked.append)
    otel._identity({otel.AZURE_IDENTITY: said})
    assert asked == [client_id]


def test_without_it_the_connection_string_is_enough():
    assert otel._identity({}) is None


def test_a_span_has_the_id_that_it_is_given():
    to = otel.make_otel({})
    with otel.span_id(0x1234):
        span = to.tracer.start_span("given")
    other = to.tracer.start_span("drawn")
    assert span.get_span_context().span_id == 0x1234
    assert other.get_span_context().span_id != 0x1234


class Kept(MetricExporter):
    """Keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[MetricsData] = []

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 0, **kwargs: Any
    ) -> MetricExportResult:
        self.sent.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None: ...

    @property
    def points(self) -> list[Any]:
        found = json.loads(self.sent[-1].to_json())["resource_metrics"][0]["scope_metrics"][0]
        return [point for metric in found["metrics"] for point in metric["data"]["data_points"]]


@pytest.mark.parametrize(("asked", "exemplars"), [(None, 0), ("trace_based", 1)])
def test_values_are_counted_without_their_spans_unless_that_is_asked_for(
    asked: str | None, exemplars: int, monkeypatch: pytest.MonkeyPatch
):
    kept = Kept()
    monkeypatch.setattr(otel, "_exporters", lambda _: [(InMemorySpanExporter(), kept)])
    if asked is not None:
        monkeypatch.setenv(otel.EXEMPLARS, asked)
    to = otel.make_otel(os.environ)
    with to.tracer.start_as_current_span("around"):
        to.record_metric(metrics.ITEM_DURATION, 0.5, {"workload": "probe"})
    to.flush()
    (point,) = kept.points
    assert (point["count"], point["sum"]) == (1, 0.5)
    assert len(point["exemplars"]) == exemplars


def test_a_gauge_is_told_once_each_time_it_is_set(monkeypatch: pytest.MonkeyPatch):
    kept = Kept()
    monkeypatch.setattr(otel, "_exporters", lambda _: [(InMemorySpanExporter(), kept)])
    to = otel.make_otel({})
    told = []
    for value in (700, None, 3):
        if value is not None:
            to.record_metric(metrics.QUEUE_AGE, value, {})
        kept.sent.clear()
        to.flush()
        told.append([point["value"] for point in kept.points] if kept.sent else [])
    assert told == [[700], [], [3]]


def test_what_goes_to_each_exporter_has_the_temporality_that_it_asks_for():
    insights = {otel.AZURE: INSIGHTS}
    (_, measures), *_ = otel._exporters(insights)
    asked = dict(measures._preferred_temporality)
    changed = otel._without_repeats(measures)._preferred_temporality
    assert {one: changed[one] for one in asked} == asked
