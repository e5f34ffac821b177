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
        ({"chart": {"top": 0}}, "chart.top", "greater than or equal to 1"),
        ({"filter": [{"column": "x", "op": "like", "value": "a"}]}, "filter.0.op", "'eq', 'ne'"),
        ({"filter": [{"column": "x", "op": "eq"}]}, "filter.0", "takes one value"),
        ({"filter": [{"column": "x", "op": "eq", "value": [1]}]}, "filter.0", "takes one value"),
        ({"filter": [{"column": "x", "op": "in", "value": 1}]}, "filter.0", "takes a list"),
        ({"filter": [{"column": "x", "op": "in", "value": [1, "a"]}]}, "filter.0", "mixes"),
        ({"filter": [{"column": "x", "op": "is_null", "value": 1}]}, "filter.0", "takes no value"),
        (
            {"filter": [{"column": "x", "op": "gt", "value": float("inf")}]},
            "filter.0.value.float",
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
    assert list(ReportParameters().metric_names()) == ["rows"]


def test_every_column_is_read_once():
    parameters = ReportParameters.model_validate(
        {
            "group_by": ["a", "b"],
            "metrics": {"b": ["sum"], "c": ["sum"]},
            "filter": [{"column": "a", "op": "not_null"}, {"column": "d", "op": "not_null"}],
        }
    )
    assert parameters.columns == ["a", "b", "c", "d"]
