"""Names of figures, made and parsed."""

import pytest

from workloads.reports.metrics import figure_name, parse_figure_name


@pytest.mark.parametrize(
    ("column", "metric"),
    [
        ("delay", "mean"),
        ("a.b", "p99.9"),
        ("x.sum", "approx_distinct"),
        ("", "count"),
        ("a\nb", "std"),
    ],
)
def test_a_figure_name_is_parsed_into_what_made_it(column: str, metric: str):
    assert parse_figure_name(figure_name(column, metric)) == (column, metric)


@pytest.mark.parametrize("name", ["rows", "delay.median", "p90", "delay.p101"])
def test_any_other_name_is_no_figure_of_a_column(name: str):
    assert parse_figure_name(name) is None
