from typing import Any

from fanout.records import SourceInfo
from workloads.reports import Reports
from workloads.reports.parameters import ReportParameters

COLUMNS = ["carrier", "dep_delay", "arr_delay", "distance"]


def problems(columns: list[str] | None = COLUMNS, **parameters: Any) -> dict[str, str]:
    source = SourceInfo("csv" if columns else "jsonl", columns)
    found = Reports().check(ReportParameters.model_validate(parameters), source)
    return {problem.field: problem.message for problem in found}


def test_unknown_columns_are_named_by_their_fields():
    found = problems(
        metrics={"foo": ["sum"], "distance": ["sum"]},
        group_by=["carrier", "bar"],
        filter=[{"column": "baz", "op": "not_null"}],
    )
    assert list(found) == [
        "parameters.filter[0].column",
        "parameters.group_by[1]",
        "parameters.metrics.foo",
    ]


def test_the_known_columns_are_listed_with_the_close_ones_first():
    found = problems(metrics={"Ar_Delay": ["sum"]})
    assert found == {
        "parameters.metrics.Ar_Delay": "the source has no column 'Ar_Delay'; "
        "it has 'arr_delay', 'dep_delay', 'carrier', 'distance'; did you mean 'arr_delay'?"
    }


def test_many_known_columns_are_cut_short():
    (message,) = problems([f"c{i}" for i in range(80)], group_by=["x"]).values()
    assert message.endswith("'c49' and 30 more")


def test_a_source_without_columns_says_so():
    (message,) = problems([], group_by=["x"]).values() or [""]
    assert message == "the source has no column 'x'; it has none"


def test_columns_that_are_not_known_beforehand_are_not_refused():
    assert problems(None, group_by=["anything"], metrics={"x": ["sum"]}) == {}


def test_sort_and_chart_name_what_is_in_the_report():
    found = problems(
        group_by=["carrier"],
        metrics={"dep_delay": ["mean"]},
        sort={"by": "dep_delay.max"},
        chart={"metric": "carrier"},
    )
    assert found == {
        "parameters.sort.by": "the report has no 'dep_delay.max'; "
        "it has 'dep_delay.mean', 'carrier', 'rows'",
        "parameters.chart.metric": "the report has no metric 'carrier'; "
        "it has 'rows', 'dep_delay.mean'",
    }


def test_what_is_there_is_accepted():
    assert (
        problems(
            group_by=["carrier"],
            metrics={"dep_delay": ["mean"]},
            filter=[{"column": "distance", "op": "gt", "value": 1}],
            sort={"by": "carrier"},
            chart={"metric": "dep_delay.mean"},
        )
        == {}
    )


def test_problems_of_several_reports_name_the_report():
    found = problems(
        reports=[
            {"name": "sound", "group_by": ["carrier"]},
            {
                "name": "faulty",
                "where": [{"column": "nope", "op": "not_null"}],
                "group_by": [{"column": "when", "every": "day"}],
                "metrics": {"foo": ["p50"]},
                "top": {"n": 3, "by": "foo.p90"},
                "sort": {"by": "when"},
            },
        ]
    )
    assert list(found) == [
        "parameters.reports[1].where[0].column",
        "parameters.reports[1].group_by[0].column",
        "parameters.reports[1].metrics.foo",
        "parameters.reports[1].sort.by",
        "parameters.reports[1].top.by",
    ]


def test_top_is_by_a_figure_and_not_by_a_key():
    found = problems(group_by=["carrier"], top={"n": 3, "by": "carrier"})
    assert found == {
        "parameters.top.by": "the report has no metric 'carrier'; it has 'rows'",
    }


def test_a_date_is_sorted_by_its_name():
    by = [{"column": "distance", "every": "day"}]
    assert problems(group_by=by, sort={"by": "distance.day"}) == {}
