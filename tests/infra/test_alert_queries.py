"""The queries of the log alerts, run over rows: each rings when it is to, and not otherwise."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.metrics import Metric
from starters.lifecycle.take_over import MAX_WITHOUT_PROGRESS
from tests.support.bicep import Expression
from tests.support.infra_files import INFRA, module
from tests.support.kusto.engine import run
from tests.support.kusto.rows import (
    durable_record,
    http_request,
    metric_rows,
    request,
)

Rows = list[dict[str, Any]]
FILE = module("alerts")
ALERTS = {each["name"]: each for each in FILE.variables["logAlerts"]}
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThan": operator.gt,
    "LessThan": operator.lt,
}


@pytest.fixture(autouse=True)
def no_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the exporter from reporting on itself."""
    monkeypatch.setenv("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")


def criterion(alert: str) -> dict[str, Any]:
    """What the resource of an alert measures, and against what."""
    properties = FILE.only("Microsoft.Insights/scheduledQueryRules").properties
    (found,) = properties["criteria"]["allOf"]
    return {name: _said(value, ALERTS[alert]) for name, value in found.items()}


def _said(value: Any, each: Mapping[str, Any]) -> Any:
    """What a value of the resource is where it is made for one alert."""
    if isinstance(value, Expression):
        owner, _, name = value.text.partition(".")
        assert owner == "each", value
        return each[name]
    return value


def rings(alert: str, **tables: Iterable[dict[str, Any]]) -> bool:
    """Whether an alert would ring if these were the rows of its window."""
    rule = criterion(alert)
    (query,) = re.findall(r"^loadTextContent\('\.\./(queries/[\w-]+\.kql)'\)$", rule["query"].text)
    found = run((INFRA / query).read_text(), tables)
    # A rule without rows neither rings nor ends: each query gives one, whatever there is.
    (row,) = found
    assert rule["timeAggregation"] == "Maximum", "which of one row is its value"
    value = row[rule["metricMeasureColumn"]]
    assert isinstance(value, float), row
    return COMPARE[rule["operator"]](value, rule["threshold"])


def told(metric: Metric, *values: float, **labels: str) -> Rows:
    def tell(sink: Any) -> None:
        for value in values:
            sink.record_metric(metric, value, labels)

    return metric_rows(tell)


@pytest.mark.parametrize("alert", sorted(ALERTS.keys() - {"watchdog-silent"}))
def test_nothing_rings_where_nothing_was_told(alert: str):
    assert not rings(alert)


def test_silence_is_what_rings_where_the_watchdog_is_not_heard():
    assert rings("watchdog-silent")


def test_a_run_that_failed_rings_and_others_do_not():
    failed = told(metrics.RUNS, 1, workload="orders", outcome="failed")
    assert rings("failed-runs", AppMetrics=failed)
    others = [
        *told(metrics.RUNS, 3, workload="orders", outcome="succeeded"),
        *told(metrics.RUNS, 1, workload="orders", outcome="partially_succeeded"),
        *told(metrics.ITEMS, 5, workload="orders", outcome="failed"),
    ]
    assert not rings("failed-runs", AppMetrics=others)


BROKEN = [durable_record()] * MAX_WITHOUT_PROGRESS


def test_an_orchestrator_that_breaks_each_time_rings_by_what_the_extension_logs():
    assert rings("failed-runs", AppTraces=BROKEN)


def test_a_run_that_goes_on_after_its_worker_died_rings_nothing():
    assert not rings("failed-runs", AppTraces=BROKEN[1:])
    each_once = [durable_record(instanceId=f"run-{number}") for number in range(50)]
    assert not rings("failed-runs", AppTraces=each_once)
    taken_up = told(metrics.TAKE_OVERS, 1, 1, 1, 1, 1)
    assert not rings("failed-runs", AppMetrics=taken_up)
    assert not rings("taken-up", AppMetrics=taken_up)


def test_runs_that_are_taken_up_again_and_again_ring_gently():
    rows = [*told(metrics.TAKE_OVERS, 1, 1, 1), *told(metrics.TAKE_OVERS, 1, 1, 1)]
    assert rings("taken-up", AppMetrics=rows)
    assert ALERTS["taken-up"]["severity"] > ALERTS["failed-runs"]["severity"]
    assert not rings("taken-up", AppMetrics=told(metrics.RETRIES, 100, workload="w"))


@pytest.mark.parametrize(
    "changes",
    [
        {"functionName": "process_batch", "functionType": "Activity"},
        {"state": "Completed"},
        {"isReplay": "True"},
    ],
)
def test_other_records_of_the_extension_do_not_ring(changes: dict[str, str]):
    assert not rings("failed-runs", AppTraces=[durable_record(**changes)] * 2 * len(BROKEN))


def test_a_late_request_rings_by_the_value_that_a_gauge_sends():
    rows = told(metrics.QUEUE_AGE, 601)
    assert rows[0]["Max"] is None, "so no query may ask for it"
    assert rings("oldest-message", AppMetrics=rows)
    assert rings("oldest-message", AppMetrics=[*told(metrics.QUEUE_AGE, 5), *rows])
    assert not rings("oldest-message", AppMetrics=told(metrics.QUEUE_AGE, 600))
    thrice = [row for _ in range(3) for row in told(metrics.QUEUE_AGE, 300)]
    assert not rings("oldest-message", AppMetrics=thrice)
    assert not rings("oldest-message", AppMetrics=told(metrics.RUN_DURATION, 7000, workload="w"))


def calls(count: int, status: int = 200, **columns: Any) -> Rows:
    return [http_request("/api/runs", status, **columns) for _ in range(count)]


def test_calls_that_fail_ring_above_five_in_a_hundred():
    assert rings("error-rate", AppRequests=[*calls(94), *calls(6, 500)])
    assert not rings("error-rate", AppRequests=[*calls(95), *calls(5, 500)])


def test_functions_that_fail_ring_as_calls_do():
    done = [request("process_batch") for _ in range(30)]
    failed = [request("process_batch", Success=False) for _ in range(3)]
    assert rings("error-rate", AppRequests=[*done, *failed])


@pytest.mark.parametrize("status", [400, 401, 404, 409, 429])
def test_what_a_caller_did_wrong_is_no_failure_of_the_app(status: int):
    assert not rings("error-rate", AppRequests=[*calls(10), *calls(90, status)])


def test_one_failure_of_three_is_no_outage():
    assert not rings("error-rate", AppRequests=[*calls(2), *calls(1, 500)])
    assert not rings("error-rate", AppRequests=[*calls(18), *calls(1, 500)])


def test_two_failures_of_twenty_are_one():
    assert rings("error-rate", AppRequests=[*calls(18), *calls(2, 500)])
    assert not rings("error-rate", AppRequests=[*calls(17), *calls(2, 500)])


def test_a_record_counts_for_the_calls_that_it_stands_for():
    assert rings("error-rate", AppRequests=[*calls(9, ItemCount=10), *calls(1, 500, ItemCount=10)])
    assert not rings("error-rate", AppRequests=[*calls(19, ItemCount=100), *calls(2, 500)])


def test_slow_calls_ring_where_more_than_one_in_twenty_is_slow():
    quick, slow = {"DurationMs": 40.0}, {"DurationMs": 3001.0}
    assert rings("latency-p95", AppRequests=[*calls(18, **quick), *calls(2, **slow)])
    assert not rings("latency-p95", AppRequests=[*calls(19, **quick), *calls(1, **slow)])


def test_a_few_slow_calls_are_no_slow_api():
    assert not rings("latency-p95", AppRequests=calls(1, DurationMs=60_000.0))
    assert not rings("latency-p95", AppRequests=calls(19, DurationMs=60_000.0))
    assert rings("latency-p95", AppRequests=calls(20, DurationMs=60_000.0))


def test_sampled_calls_weigh_as_many_as_they_stand_for():
    slow, quick = {"DurationMs": 3001.0, "ItemCount": 50}, {"DurationMs": 40.0, "ItemCount": 1}
    assert rings("latency-p95", AppRequests=[*calls(1, **slow), *calls(40, **quick)])


@pytest.mark.parametrize(
    "row",
    [
        request("process_batch", DurationMs=60_000.0),
        request("start_runs", DurationMs=60_000.0, Url="ns.servicebus.windows.net/fanout-requests"),
        http_request(
            "/runtime/webhooks/blobs?functionName=start_run_over_blob", DurationMs=60_000.0
        ),
    ],
    ids=["activity", "message", "webhook"],
)
def test_what_is_no_call_of_the_api_is_not_slow(row: dict[str, Any]):
    assert not rings("latency-p95", AppRequests=[row] * 20)


def test_the_watchdog_is_heard_by_what_it_counts_or_by_what_the_host_says_of_it():
    assert not rings("watchdog-silent", AppMetrics=told(metrics.WATCHDOG_LOOKS, 1))
    assert not rings("watchdog-silent", AppRequests=[request("watchdog")])
    by_name = request("watchdog", Properties={})
    assert not rings("watchdog-silent", AppRequests=[by_name])
    by_attribute = request("timer", Properties={"faas.name": "watchdog"})
    assert not rings("watchdog-silent", AppRequests=[by_attribute])


def test_a_busy_app_whose_watchdog_was_not_sampled_is_not_held_for_dead():
    rows = [request("process_batch", ItemCount=200) for _ in range(100)]
    looks = told(metrics.WATCHDOG_LOOKS, 1, 1)
    assert not rings("watchdog-silent", AppRequests=rows, AppMetrics=looks)


def test_a_watchdog_that_fails_is_not_heard():
    assert rings("watchdog-silent", AppRequests=[request("watchdog", Success=False)])
    # The counter is told in each interval, by a process that has counted before.
    stale = {**told(metrics.WATCHDOG_LOOKS, 1)[0], "Sum": 0.0}
    assert rings("watchdog-silent", AppMetrics=[stale])


def test_a_histogram_has_its_longest_value_and_a_gauge_has_not():
    histogram = told(metrics.ITEM_DURATION, 3, 5, workload="w")
    assert [(row["Sum"], row["ItemCount"], row["Max"]) for row in histogram] == [(8.0, 2, 5.0)]
