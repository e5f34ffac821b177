"""The queries are Kusto by Microsoft's compiler, and give what the engine gives."""

import json
import subprocess
from typing import Any

import pytest

from localhost.stack.node import node_command
from tests.support.infra_files import INFRA, ROOT, module
from tests.support.kusto.engine import TABLES, KustoTypeError, columns_of, run
from tests.support.kusto.rows import request
from tests.support.kusto.syntax import KustoSyntaxError

COMPILER = ROOT / "node_modules" / "@kusto" / "language-service-next"
SCRIPT = ROOT / "tests" / "support" / "kusto" / "compile.js"
WORKBOOK = json.loads((INFRA / "workbook.json").read_text())
QUERIES = {path.stem: path.read_text() for path in sorted((INFRA / "queries").glob("*.kql"))} | {
    f"workbook {item['name']}": item["content"]["query"]
    for item in WORKBOOK["items"]
    if item["type"] == 3
}
WRONG = {
    "a column that there is not": "AppRequests | where Duration > 5",
    "a table that there is not": "requests | where success == false",
    "a function that there is not": "AppRequests | summarize P95 = percentil(DurationMs, 95)",
    "an operator that there is not": "AppRequests | select Name",
}


@pytest.fixture(scope="module")
def compiled() -> dict[str, dict[str, Any]]:
    assert COMPILER.exists(), "`make setup` installs it"
    asked = {**QUERIES, **WRONG}
    done = subprocess.run(
        [*node_command(), SCRIPT, COMPILER],
        input=json.dumps({"tables": TABLES, "queries": list(asked.values())}),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return dict(zip(asked, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", QUERIES)
def test_the_compiler_has_no_complaint(name: str, compiled: dict[str, dict[str, Any]]):
    assert compiled[name]["complaints"] == []


@pytest.mark.parametrize("name", QUERIES)
def test_the_engine_gives_the_columns_that_the_compiler_names(
    name: str, compiled: dict[str, dict[str, Any]]
):
    assert columns_of(QUERIES[name]) == [tuple(each) for each in compiled[name]["columns"]]


def test_each_log_alert_measures_a_number_of_its_query(compiled: dict[str, dict[str, Any]]):
    for each in module("alerts").variables["logAlerts"]:
        assert compiled[each["name"]]["columns"] == [[each["column"], "real"]]


@pytest.mark.parametrize("name", WRONG)
def test_the_compiler_complains_of_what_is_wrong(name: str, compiled: dict[str, dict[str, Any]]):
    assert compiled[name]["complaints"]


@pytest.mark.parametrize("name", WRONG)
def test_the_engine_refuses_what_the_compiler_refuses(name: str):
    with pytest.raises((KustoSyntaxError, KustoTypeError)):
        run(WRONG[name], {})


@pytest.mark.parametrize(
    "query",
    [
        "AppRequests | where Success == 'false'",
        "AppRequests | where Properties.a == 'x'",
        "AppRequests | summarize Mean = sum(ItemCount) / count()",
        "AppRequests | summarize Total = DurationMs",
        "AppRequests | summarize Median = avg(DurationMs)",
        "AppRequests | join AppTraces on OperationId",
        "AppRequests | summarize count()",
        "AppRequests | where Name == 'a\\'b'",
        "AppRequests | where Name == 'a' | ",
        "AppRequests | extend Value = iff(Success, 1, 2.0)",
        "union (AppRequests | project Value = Name), (AppMetrics | project Value = Sum)",
    ],
)
def test_the_engine_refuses_what_it_cannot_do_as_kusto_does(query: str):
    with pytest.raises((KustoSyntaxError, KustoTypeError)):
        run(query, {})


def test_no_row_can_have_a_column_that_the_table_has_not():
    with pytest.raises(KustoTypeError, match="Duration"):
        run("AppRequests", {"AppRequests": [{**request("x"), "Duration": 5}]})
    assert len(run("AppRequests", {"AppRequests": [request("x")]})) == 1


def test_what_is_missing_is_an_empty_text_and_no_number():
    rows = [request("a", Properties={}), request("b", Properties={"key": "value"})]
    query = "AppRequests | project Key = tostring(Properties.key), IsUnnamed = isempty(Url)"
    assert run(query, {"AppRequests": rows}) == [
        {"Key": "", "IsUnnamed": True},
        {"Key": "value", "IsUnnamed": True},
    ]
    assert run("AppMetrics | summarize Longest = max(Max), All = sum(Sum)", {}) == [
        {"Longest": None, "All": 0.0}
    ]
