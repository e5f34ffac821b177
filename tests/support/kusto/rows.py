"""Rows of the tables of Application Insights, in the shape in which telemetry arrives there.

Metrics come from the exporter that the app uses, which is asked what it would send. What the
host sends is made by the rules of its exporter: records of Durable from a text that its extension
3.19.0 logged and the template that its source has for it, requests from what the source says.

Sources: `MetricData` of azure-monitor-opentelemetry-exporter; LogsHelper.cs and RequestData.cs of
Azure.Monitor.OpenTelemetry.Exporter; EndToEndTraceHelper.cs of the Durable extension; in the host
GrpcWorkerChannel.cs (`faas.name`) and OpenTelemetryConfigurationExtensions.cs (no scopes).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from azure.monitor.opentelemetry.exporter.export._base import ExportResult

from fanout.adapters.telemetry import otel
from fanout.adapters.telemetry.otel import Otel

Row = dict[str, Any]
INSIGHTS = "InstrumentationKey=00000000-0000-0000-0000-000000000000"
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
# The exporter gives each attribute its bare name, and adds the category.
FAILED = (
    "{instanceId}: Function '{functionName} ({functionType})' failed with an error. "
    "Reason: {reason}. IsReplay: {isReplay}. State: {state}. RuntimeStatus: {runtimeStatus}. "
    "HubName: {hubName}. AppName: {appName}. SlotName: {slotName}. "
    "ExtensionVersion: {extensionVersion}. SequenceNumber: {sequenceNumber}. "
    "TaskEventId: {taskEventId}"
)
TEMPLATE = re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*)", re.escape(FAILED)))
# As the extension logged it when an orchestration was begun with an input that it cannot read; the
# stack is cut short.
LOGGED = (
    "97f16f8255ec4558b7ce8e7bd5054fe3: Function 'run (Orchestrator)' failed with an error. "
    "Reason: DurableTask.Core.Exceptions.OrchestrationFailureException    at Microsoft.Azure."
    "WebJobs.Extensions.DurableTask.OutOfProcOrchestrationShim.ScheduleDurableTaskEvents("
    "OrchestrationInvocationResult result). IsReplay: False. State: Failed. RuntimeStatus: Failed. "
    "HubName: Hccbd6781bc69. AppName: . SlotName: . ExtensionVersion: 3.19.0. SequenceNumber: 5. "
    "TaskEventId: -1"
)


def metric_rows(tell: Callable[[Otel], None]) -> list[Row]:
    """Rows of AppMetrics: what the app's exporter sends of what is told."""
    sent: list[Any] = []

    def keep(envelopes: list[Any]) -> ExportResult:
        sent.extend(envelopes)
        return ExportResult.SUCCESS

    exporters = list(otel._exporters({otel.AZURE: INSIGHTS}))
    for pair in exporters:
        for exporter in pair:
            # Of the instance: when the process ends, the SDK sends what is left.
            exporter._transmit = keep
            exporter._handle_transmit_from_storage = lambda *_: None
    with patch.object(otel, "_exporters", lambda _: exporters):
        sink = otel.make_otel({otel.AZURE: INSIGHTS})
    tell(sink)
    sink.flush()
    return [_metric_row(envelope) for envelope in sent]


def _metric_row(envelope: Any) -> Row:
    data = envelope.data.base_data
    (point,) = data.metrics
    return {
        "TimeGenerated": datetime.fromisoformat(str(envelope.time)),
        "AppRoleInstance": envelope.tags["ai.cloud.roleInstance"],
        "Name": point.name,
        "Sum": float(point.value),
        "ItemCount": point.count,
        "Min": point.min,
        "Max": point.max,
        "Properties": data.properties,
    }


def moment(minutes: float) -> datetime:
    """A time, counted from the noon of a day."""
    return NOON + timedelta(minutes=minutes)


def is_durable_record(text: str) -> bool:
    """Whether a text is one that Durable logs of a function that failed."""
    return TEMPLATE.fullmatch(text) is not None


def durable_record(at: datetime = NOON, logged: str = LOGGED, **changes: str) -> Row:
    """A row of AppTraces: Durable's record of a function that failed.

    Args:
        at: When.
        logged: The text of the record.
        changes: Other values in place of those that were logged.
    """
    match = TEMPLATE.fullmatch(logged)
    assert match is not None
    fields = {**match.groupdict(), **changes}
    return {
        "TimeGenerated": at,
        "Message": FAILED.format(**fields),
        "SeverityLevel": 3,
        "ItemCount": 1,
        "Properties": {**fields, "CategoryName": f"Function.{fields['functionName']}.User"},
    }


def request(name: str, *, minutes: float = 0, **columns: Any) -> Row:
    """A row of AppRequests: an invocation that is not of HTTP, as a timer's or an activity's."""
    return {
        "TimeGenerated": moment(minutes),
        "Name": name,
        "ResultCode": "0",
        "Success": True,
        "DurationMs": 12.5,
        "ItemCount": 1,
        "Properties": {"faas.name": name},
        **columns,
    }


def http_request(path: str, status: int = 200, **columns: Any) -> Row:
    """A row of AppRequests: a call of the API; from 400 on the exporter holds it for failed."""
    answer = {"ResultCode": str(status), "Success": status < 400}
    url = f"https://fanout.example.org{path}"
    return request(f"GET {path}", Url=url, Properties={}, **{**answer, **columns})
