"""The queries of the workbook, run over rows: each shows what its title says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fanout.adapters.telemetry import metrics
from tests.support.infra_files import INFRA
from tests.support.kusto.engine import run
from tests.support.kusto.rows import durable_record, http_request, metric_rows, moment, request

Rows = list[dict[str, Any]]
WORKBOOK = json.loads((INFRA / "workbook.json").read_text())
QUERIES = {
    item["name"]: item["content"]["query"] for item in WORKBOOK["items"] if item["type"] == 3
}


@pytest.fixture(autouse=True)
def no_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the exporter from reporting on itself."""
    monkeypatch.setenv("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")


def shown(item: str, **tables: Rows) -> Rows:
    return run(QUERIES[item], tables)


def told(tell: Callable[[Any], None], minutes: float = 1) -> Rows:
    """What one process tells at once, some minutes after noon."""
    return [{**row, "TimeGenerated": moment(minutes)} for row in metric_rows(tell)]


def counted(metric: metrics.Metric, *found: tuple[float, dict[str, str]]) -> Rows:
    def tell(sink: Any) -> None:
        for value, labels in found:
            sink.record_metric(metric, value, labels)

    return told(tell)


@pytest.mark.parametrize("item", QUERIES)
def test_an_app_that_told_nothing_has_a_page_without_rows(item: str):
    assert run(QUERIES[item], {}) == []


@pytest.mark.parametrize(
    ("item", "metric", "label", "column"),
    [
        ("runs", metrics.RUNS, "outcome", "Runs"),
        ("items", metrics.ITEMS, "outcome", "Items"),
        ("retries", metrics.RETRIES, "workload", "Retries"),
        ("dead-letters", metrics.DEAD_LETTERS, "workload", "DeadLetters"),
    ],
)
def test_counts_are_added_up_by_what_they_are_told_apart_by(
    item: str, metric: metrics.Metric, label: str, column: str
):
    rows = counted(metric, (2, {label: "a"}), (3, {label: "b"}))
    # Another process, in the same minutes and an hour later.
    rows += counted(metric, (4, {label: "b"}))
    rows += [{**row, "TimeGenerated": moment(61)} for row in counted(metric, (8, {label: "b"}))]
    found = shown(item, AppMetrics=rows)
    assert [(row["TimeGenerated"], row[label.capitalize()], row[column]) for row in found] == [
        (moment(0), "a", 2.0),
        (moment(0), "b", 7.0),
        (moment(60), "b", 8.0),
    ]


@pytest.mark.parametrize(
    ("item", "metric"),
    [("item-duration", metrics.ITEM_DURATION), ("run-duration", metrics.RUN_DURATION)],
)
def test_durations_have_a_mean_and_a_longest(item: str, metric: metrics.Metric):
    rows = counted(metric, (1, {"workload": "orders"}), (2, {"workload": "orders"}))
    rows += counted(metric, (9, {"workload": "orders"}))
    assert shown(item, AppMetrics=rows) == [
        {"TimeGenerated": moment(0), "Workload": "orders", "Mean": 4.0, "Longest": 9.0}
    ]


def test_take_overs_and_looks_are_counted():
    rows = counted(metrics.TAKE_OVERS, (1, {}), (1, {}))
    assert shown("take-overs", AppMetrics=rows) == [{"TimeGenerated": moment(0), "TakeOvers": 2.0}]
    rows = counted(metrics.WATCHDOG_LOOKS, (1, {}), (1, {}))
    assert shown("watchdog", AppMetrics=rows) == [{"TimeGenerated": moment(0), "Looks": 2.0}]


def test_the_oldest_request_is_shown_although_a_gauge_sends_no_longest_value():
    rows = [*counted(metrics.QUEUE_AGE, (7, {})), *counted(metrics.QUEUE_AGE, (3, {}))]
    assert shown("queue-age", AppMetrics=rows) == [{"TimeGenerated": moment(0), "AgeSeconds": 7.0}]


def test_batches_of_all_processes_are_added_up():
    def tell(sink: Any) -> None:
        for change in (1, 1, -1, 1):
            sink.record_metric(metrics.BATCHES_IN_FLIGHT, change, {})

    rows = [*told(tell), *told(tell)]
    assert shown("in-flight", AppMetrics=rows) == [{"TimeGenerated": moment(1), "Batches": 4.0}]


def test_a_circuit_that_is_open_is_one():
    rows = counted(
        metrics.BREAKER_OPEN, (1, {"downstream": "payment"}), (0, {"downstream": "mail"})
    )
    found = shown("breakers", AppMetrics=rows)
    assert {row["Downstream"]: row["Open"] for row in found} == {"payment": 1.0, "mail": 0.0}


def test_calls_of_the_api_have_a_median_and_a_p95_and_nothing_else_counts():
    rows = [http_request("/api/runs", DurationMs=float(each), minutes=1) for each in range(1, 101)]
    rows += [request("process_batch", DurationMs=1e6, minutes=1)]
    rows += [request("start_runs", DurationMs=1e6, minutes=1, Url="ns.servicebus.windows.net/q")]
    assert shown("latency", AppRequests=rows) == [
        {"TimeGenerated": moment(0), "Median": 50.0, "P95": 95.0}
    ]


def test_invocations_that_failed_are_named_and_weighed():
    rows = [
        request("process_batch", Success=False, ItemCount=10, minutes=1),
        request("timer", Success=False, minutes=2, Properties={"faas.name": "watchdog"}),
        http_request("/api/runs", 500, minutes=3),
        http_request("/api/runs", 200, minutes=3),
    ]
    found = shown("failed-invocations", AppRequests=rows)
    assert {row["Function"]: row["Failed"] for row in found} == {
        "process_batch": 10,
        "watchdog": 1,
        "GET /api/runs": 1,
    }


def test_orchestrators_that_broke_are_listed_newest_first_with_their_reasons():
    rows = [durable_record(moment(each), instanceId=f"run-{each}") for each in (1, 3, 2)]
    rows += [durable_record(moment(9), isReplay="True"), durable_record(moment(9), state="Awaited")]
    found = shown("failed-orchestrators", AppTraces=rows)
    assert [row["Instance"] for row in found] == ["run-3", "run-2", "run-1"]
    assert found[0]["Orchestrator"] == "run"
    assert "OrchestrationFailureException" in found[0]["Reason"]


def test_no_more_of_them_are_listed_than_a_page_can_show():
    rows = [durable_record(moment(each)) for each in range(150)]
    assert len(shown("failed-orchestrators", AppTraces=rows)) == 100


def test_each_query_has_a_test():
    source = Path(__file__).read_text()
    assert [item for item in QUERIES if f'"{item}"' not in source] == []
