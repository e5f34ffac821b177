from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fanout.adapters.telemetry import otel, spans

SECRET = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    to = otel.Otel(provider.get_tracer("test"), {}, lambda: None)
    monkeypatch.setattr(otel, "otel", lambda: to)
    return exporter


def test_what_an_activity_raises_is_told_without_its_secrets(told: InMemorySpanExporter):
    context = SimpleNamespace(function_name="plan", invocation_id="i")
    ref: dict[str, Any] = {"run_id": "r", "trace": f"00-{'a' * 32}-{'b' * 16}-01"}
    with pytest.raises(ValueError, match=SECRET), spans.trace_activity(context, ref):
        raise ValueError(f"AccountName=a;AccountKey={SECRET};")
    (span,) = told.get_finished_spans()
    assert not span.status.is_ok
    assert span.status.description == "ValueError: AccountName=a;AccountKey=***;"
    assert SECRET not in span.to_json()


def test_a_start_that_fails_is_told_so_as_well(told: InMemorySpanExporter):
    with pytest.raises(ValueError, match="gone"), spans.trace_start("r", 1):
        raise ValueError(f"gone: https://h/?sig={SECRET}")
    (span,) = told.get_finished_spans()
    assert not span.status.is_ok
    assert SECRET not in span.to_json()
