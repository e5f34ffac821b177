"""What those on call can see: logs, metrics, alerts, a workbook and a budget."""

import json
import re

import pytest

from fanout.adapters.telemetry.metrics import ALL as ALL_METRICS
from fanout.naming import functions
from starters.lifecycle.take_over import MAX_WITHOUT_PROGRESS
from tests.support.bicep import Expression, read_bicep
from tests.support.infra_files import BICEP, INFRA, MAIN, module

ALERTS = module("alerts")
QUERIES = {path.stem: path.read_text() for path in (INFRA / "queries").glob("*.kql")}
WORKBOOK = json.loads((INFRA / "workbook.json").read_text())
METRIC = re.compile(r"'(fanout\.[a-z_.]+)'")
README = (INFRA / "README.md").read_text()
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"


def workbook_queries() -> list[str]:
    return [item["content"]["query"] for item in WORKBOOK["items"] if item["type"] == 3]


def metrics(queries: list[str]) -> set[str]:
    return {name for query in queries for name in METRIC.findall(query)}


def test_telemetry_is_taken_with_an_entra_token_only():
    file = module("monitoring")
    insights = file.only("Microsoft.Insights/components").properties
    assert insights["DisableLocalAuth"] is True
    assert insights["WorkspaceResourceId"] == Expression("workspace.id")
    workspace = file.only("Microsoft.OperationalInsights/workspaces").properties
    assert workspace["retentionInDays"] == Expression("retentionDays")
    assert workspace["features"]["disableLocalAuth"] is True


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("storage", "blobs"),
        ("service-bus", "namespace"),
        ("key-vault", "vault"),
        ("function-app", "app"),
        ("inbox", "topic"),
    ],
)
def test_every_store_and_the_app_send_logs_and_metrics_to_the_workspace(name: str, scope: str):
    setting = module(name).only(DIAGNOSTICS)
    assert setting.value["scope"] == Expression(scope)
    assert setting.properties["workspaceId"] == Expression("workspaceId")
    for kind in ("logs", "metrics"):
        assert [each["enabled"] for each in setting.properties[kind]] == [True]


def test_every_module_with_a_store_is_watched():
    with_settings = {path.stem for path in BICEP if read_bicep(path).of_type(DIAGNOSTICS)}
    assert with_settings == {"storage", "service-bus", "key-vault", "function-app", "inbox"}


def test_there_is_an_alert_for_each_thing_that_can_go_wrong():
    log_alerts = {each["name"]: each for each in ALERTS.variables["logAlerts"]}
    assert {
        name: (each["operator"], each["threshold"], each["column"])
        for name, each in log_alerts.items()
    } == {
        "failed-runs": ("GreaterThan", 0, "Failed"),
        "taken-up": ("GreaterThan", 5, "TakeOvers"),
        "oldest-message": ("GreaterThan", 600, "AgeSeconds"),
        "error-rate": ("GreaterThan", 5, "FailedPercent"),
        "latency-p95": ("GreaterThan", 3000, "P95Ms"),
        "watchdog-silent": ("LessThan", 1, "Beats"),
    }
    queue_alerts = {
        each["name"]: (each["metric"], each["aggregation"], each["entities"])
        for each in ALERTS.variables["queueAlerts"]
    }
    assert queue_alerts == {
        "dead-lettered": ("DeadletteredMessages", "Maximum", ["*"]),
        "given-up": ("ActiveMessages", "Maximum", ["fanout-dead-letters"]),
        "requests-pile-up": ("ActiveMessages", "Minimum", ["fanout-requests"]),
    }


def test_every_alert_says_what_it_means_and_asks_more_often_than_it_looks_back():
    minutes = {"PT5M": 5, "PT15M": 15}
    for each in (*ALERTS.variables["logAlerts"], *ALERTS.variables["queueAlerts"]):
        assert each["description"].endswith("."), each["name"]
        assert 0 <= each["severity"] <= 4
    for each in ALERTS.variables["logAlerts"]:
        assert minutes[each["frequency"]] < minutes[each["window"]]


def test_the_rule_of_each_log_alert_measures_what_the_alert_says():
    rule = ALERTS.only("Microsoft.Insights/scheduledQueryRules")
    assert rule.value["kind"] == "LogAlert"
    told = rule.properties
    assert told["criteria"] == {
        "allOf": [
            {
                "query": Expression("each.query"),
                "metricMeasureColumn": Expression("each.column"),
                # Of the one row of a query.
                "timeAggregation": "Maximum",
                "operator": Expression("each.operator"),
                "threshold": Expression("each.threshold"),
                "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
            }
        ]
    }
    assert told["windowSize"] == Expression("each.window")
    assert told["evaluationFrequency"] == Expression("each.frequency")
    assert told["severity"] == Expression("each.severity")
    assert told["scopes"] == [Expression("workspaceId")]
    assert told["autoMitigate"] is True


def test_every_alert_is_on_and_tells_the_action_group():
    log_alert = ALERTS.only("Microsoft.Insights/scheduledQueryRules")
    assert log_alert.over == Expression("logAlerts")
    assert log_alert.properties["enabled"] is True
    assert log_alert.properties["actions"] == {"actionGroups": [Expression("actionGroup.id")]}
    queue_alert = ALERTS.only("Microsoft.Insights/metricAlerts")
    assert queue_alert.over == Expression("queueAlerts")
    assert queue_alert.properties["enabled"] is True
    assert queue_alert.properties["actions"] == [{"actionGroupId": Expression("actionGroup.id")}]
    (criterion,) = queue_alert.properties["criteria"]["allOf"]
    assert (criterion["operator"], criterion["threshold"]) == ("GreaterThan", 0)
    assert criterion["metricName"] == Expression("each.metric")
    assert criterion["timeAggregation"] == Expression("each.aggregation")
    (dimension,) = criterion["dimensions"]
    assert dimension["values"] == Expression("each.entities")
    assert queue_alert.properties["scopes"] == [Expression("serviceBusId")]
    group = ALERTS.only("Microsoft.Insights/actionGroups").properties
    assert group["enabled"] is True
    assert "for each in emails" in group["emailReceivers"].text


def test_what_watches_a_namespace_is_made_where_there_is_one():
    there_is_one = "!empty(serviceBusId)"
    assert ALERTS.only("Microsoft.Insights/metricAlerts").condition == there_is_one
    log_alert = ALERTS.only("Microsoft.Insights/scheduledQueryRules")
    assert log_alert.condition == f"each.name != 'oldest-message' || {there_is_one}"


def test_every_log_alert_has_a_query_that_yields_the_column_it_measures():
    used = set()
    for each in ALERTS.variables["logAlerts"]:
        (name,) = re.findall(r"\.\./queries/([\w-]+)\.kql", each["query"].text)
        used.add(name)
        assert name == each["name"]
        last = QUERIES[name].rstrip().splitlines()[-1]
        assert re.search(rf"\b{each['column']}\b", last), last
    assert used == set(QUERIES)


def test_functions_that_queries_name_are_those_of_the_app():
    named = set()
    for query in (*QUERIES.values(), *workbook_queries()):
        named |= set(re.findall(r"(?:\bName|'faas\.name'\]\)|\.functionName\)) == '(\w+)'", query))
    assert named == {functions.WATCHDOG, functions.RUN}


def test_a_run_is_held_for_broken_when_the_watchdog_gives_it_up():
    assert f"where Times >= {MAX_WITHOUT_PROGRESS}\n" in QUERIES["failed-runs"]


def test_no_query_asks_by_the_names_that_opentelemetry_has_not():
    # `prop__` and `Category` are of Application Insights' own SDK; the category of what Durable
    # says of a function differs by its version.
    for query in (*QUERIES.values(), *workbook_queries()):
        assert "prop__" not in query and "Category" not in query


def test_the_workbook_shows_what_every_metric_says():
    wanted = {one.name for one in ALL_METRICS}
    assert metrics(workbook_queries()) == wanted
    assert metrics(list(QUERIES.values())) <= wanted
    for name in wanted:
        assert f"`{name}`" in README, name


def test_the_workbook_is_one_that_azure_can_open():
    assert WORKBOOK["version"] == "Notebook/1.0"
    item_names = [item["name"] for item in WORKBOOK["items"]]
    assert len(set(item_names)) == len(item_names)
    for item in WORKBOOK["items"]:
        if item["type"] == 3:
            content = item["content"]
            assert content["timeContextFromParameter"] == "TimeRange"
            assert content["title"]
    workbook = module("workbook").only("Microsoft.Insights/workbooks")
    assert workbook.value["kind"] == "shared"
    assert workbook.properties["category"] == "workbook"
    assert workbook.properties["serializedData"] == Expression(
        "loadTextContent('../workbook.json')"
    )


def test_a_budget_warns_before_and_after_and_is_made_where_an_amount_is_given():
    budget = module("budget").only("Microsoft.Consumption/budgets").properties
    assert (budget["category"], budget["timeGrain"]) == ("Cost", "Monthly")
    warnings = budget["notifications"].values()
    assert [(each["threshold"], each["thresholdType"]) for each in warnings] == [
        (80, "Actual"),
        (100, "Forecasted"),
    ]
    assert all(each["contactGroups"] == [Expression("actionGroupId")] for each in warnings)
    assert read_bicep(MAIN).modules["budget"].condition == "budgetAmount > 0"
