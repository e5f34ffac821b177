import pytest
from pydantic import ValidationError

from workloads.reports.parameters import ReportParameters


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"filters": []}, "filters", "Extra inputs"),
        ({"group_by": ["a", "a"]}, "group_by", "twice"),
        ({"metrics": {"x": []}}, "metrics.x", "at least 1"),
        ({"metrics": {"x": ["sum", "sum"]}}, "metrics.x", "twice"),
        ({"metrics": {"x": ["median"]}}, "metrics.x.0", "'count', 'sum'"),
        ({"metrics": {"x": ["p101"]}}, "metrics.x.0", "such as 'p90'"),
        ({"metrics": {"x": ["quantiles", "p50"]}}, "metrics.x", "twice"),
        ({"group_by": [{"column": "a", "every": "decade"}]}, "group_by.0.date.every", "'hour'"),
        ({"group_by": [{"every": "day"}]}, "group_by.0.date.column", "required"),
        (
            {"group_by": ["a.day", {"column": "a", "every": "day"}]},
            "group_by",
            "twice",
        ),
        ({"top": {"n": 0, "by": "rows"}}, "top.n", "greater than or equal to 1"),
        ({"top": {"n": 1, "by": "rows", "order": "up"}}, "top.order", "'desc'"),
        ({"reports": []}, "reports", "at least 1"),
        ({"reports": [{"group_by": ["a"]}]}, "reports.0.name", "required"),
        ({"reports": [{"name": "a/b"}]}, "reports.0.name", "pattern"),
        ({"reports": [{"name": "a"}, {"name": "A"}]}, "reports", "twice"),
        ({"group_by": ["a"], "reports": [{"name": "a"}]}, "reports", "'group_by' belongs"),
        (
            {"reports": [{"name": "a", "where": [{"column": "x", "op": "eq"}]}]},
            "reports.0.where.0",
            "takes one value",
        ),
        ({"chart": {"top": 0}}, "chart.top", "greater than or equal to 1"),
        ({"filter": [{"column": "x", "op": "like", "value": "a"}]}, "filter.0.op", "'eq', 'ne'"),
        ({"filter": [{"column": "x", "op": "eq"}]}, "filter.0", "takes one value"),
        ({"filter": [{"column": "x", "op": "eq", "value": [1]}]}, "filter.0", "takes one value"),
        ({"filter": [{"column": "x", "op": "in", "value": 1}]}, "filter.0", "takes a list"),
        ({"filter": [{"column": "x", "op": "in", "value": [1, "a"]}]}, "filter.0", "mixes"),
        ({"filter": [{"column": "x", "op": "is_null", "value": 1}]}, "filter.0", "takes no value"),
        (
            {"filter": [{"column": "x", "op": "gt", "value": float("inf")}]},
            "filter.0.value.(float)",
            "finite",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(given, field, message):
    with pytest.raises(ValidationError) as refused:
        ReportParameters.model_validate(given)
    problems = {
        ".".join(str(part) for part in error["loc"]): error["msg"]
        for error in refused.value.errors()
    }
    assert message in problems.get(field, ""), problems


def test_a_report_without_parameters_counts_rows():
    assert list(ReportParameters().figure_names()) == ["rows"]


def test_every_column_is_read_once():
    parameters = ReportParameters.model_validate(
        {
            "group_by": ["a", "b"],
            "metrics": {"b": ["sum"], "c": ["sum"]},
            "filter": [{"column": "a", "op": "not_null"}, {"column": "d", "op": "not_null"}],
        }
    )
    assert parameters.columns == ["a", "b", "c", "d"]


def test_quantiles_stand_for_the_usual_ones():
    parameters = ReportParameters.model_validate({"metrics": {"x": ["mean", "quantiles", "p99.9"]}})
    assert parameters.metrics["x"] == ["mean", "p50", "p90", "p99", "p99.9"]


def test_distinct_counts_alone_need_no_numbers():
    parameters = ReportParameters.model_validate(
        {"metrics": {"a": ["approx_distinct"], "b": ["approx_distinct", "p50"], "c": ["sum"]}}
    )
    assert (parameters.distinct_columns, parameters.number_columns) == (["a", "b"], ["b", "c"])
    assert parameters.quantile_columns == ["b"]


def test_every_column_of_every_report_is_read_once():
    parameters = ReportParameters.model_validate(
        {
            "filter": [{"column": "z", "op": "not_null"}],
            "reports": [
                {"name": "one", "group_by": ["a", {"column": "t", "every": "day"}]},
                {
                    "name": "two",
                    "group_by": ["a"],
                    "metrics": {"x": ["sum"]},
                    "where": [{"column": "w", "op": "not_null"}],
                },
            ],
        }
    )
    assert parameters.columns == ["a", "t", "x", "w", "z"]
    assert [view.label for view in parameters.views] == ["one", "two"]


def test_the_schema_of_the_parameters_can_be_shown():
    schema = ReportParameters.model_json_schema()
    assert "approx_distinct" in str(schema["properties"]["metrics"])
