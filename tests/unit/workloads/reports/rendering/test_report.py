import csv
import io
import json
import math
from typing import Any

import polars as pl
import pytest

from fanout.models.request import BatchLimits
from tests.support.workloads.report_runs import chunks, document, files, summary
from workloads.reports.parameters import ReportParameters
from workloads.reports.statistics.partial import Summary

DATA = b"""month,city,x
10,Oslo,1
2,Rome,5
2,Oslo,
NA,Bern,9
1,Rome,3
"""


def made(data: bytes = DATA, **parameters: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """report.json, and the lines of report.csv."""
    wanted = ReportParameters.model_validate(parameters)
    partial, failures = summary(list(chunks(data)), wanted)
    assert failures == []
    written = files(partial, wanted)
    lines = csv.DictReader(io.StringIO(written["report.csv"].decode()))
    return json.loads(written["report.json"]), list(lines)


def keys(report: dict[str, Any], column: str) -> list[str | None]:
    return [group["key"][column] for group in report["groups"]]


def test_json_has_parameters_rows_and_groups():
    report, _ = made(group_by=["city"], metrics={"x": ["count", "sum"]})
    assert report["rows"] == 5
    assert report["parameters"]["group_by"] == ["city"]
    assert report["parameters"]["null_values"] == ["", "NA"]
    assert report["groups"][1] == {
        "key": {"city": "Oslo"},
        "rows": 2,
        "metrics": {"x": {"count": 1, "sum": 1}},
    }


def test_csv_has_a_line_for_each_group():
    _, lines = made(group_by=["city", "month"], metrics={"x": ["sum", "mean"]})
    assert lines[0] == {"city": "Bern", "month": "", "rows": "1", "x.sum": "9", "x.mean": "9.0"}
    assert lines[1] == {"city": "Oslo", "month": "2", "rows": "1", "x.sum": "0", "x.mean": ""}
    assert len(lines) == 5


def test_groups_are_in_natural_order_with_missing_keys_last():
    report, _ = made(group_by=["month"])
    assert keys(report, "month") == ["1", "2", "10", None]


@pytest.mark.parametrize(
    ("sort", "cities"),
    [
        ({"by": "city"}, ["Bern", "Oslo", "Rome"]),
        ({"by": "city", "descending": True}, ["Rome", "Oslo", "Bern"]),
        ({"by": "rows", "descending": True}, ["Oslo", "Rome", "Bern"]),
        ({"by": "x.max"}, ["Oslo", "Rome", "Bern"]),
        ({"by": "x.std", "descending": True}, ["Rome", "Bern", "Oslo"]),
    ],
)
def test_groups_are_sorted_by_one_thing_and_what_has_none_is_last(sort, cities):
    report, _ = made(group_by=["city"], metrics={"x": ["max", "std"]}, sort=sort)
    assert keys(report, "city") == cities


def test_missing_keys_are_last_in_either_direction():
    report, _ = made(group_by=["month"], sort={"by": "month", "descending": True})
    assert keys(report, "month") == ["10", "2", "1", None]


# Full-width, small and raised forms, a minus of its own, and what stands invisibly before.
WIDE = ["\uff1d1+2", "\uff0bx", "\uff0dx", "\uff20sum", "\ufe66x", "\ufe62x", "\ufe63x", "\ufe6bx"]
RAISED = ["\u207cx", "\u207ax", "\u207bx", "\u208cx", "\u2212x", "\uff0d5"]
BEHIND = [" =x", "\u00a0=x", "\u3000\uff1dx", "\u200b=x", "\ufeff=x", "\u2028+x", "\t", "\n5"]
UNSEEN = ["\x01=x", "\x7f@x", "\x9f+x", "\u034f=x", "\ufe0f=x", "\u3164=x", "\u115f-x", "\u2800=x"]
DOUBLE = ["\u2a75x", "\u2a76x", "\x1f\u2a75x"]


@pytest.mark.parametrize(
    "text",
    [
        "=1+2",
        "+x",
        "-x",
        "@sum",
        '=HYPERLINK("a")',
        "\tx",
        "\rx",
        *WIDE,
        *RAISED,
        *BEHIND,
        *UNSEEN,
        *DOUBLE,
    ],
)
def test_a_text_that_a_spreadsheet_would_run_is_guarded(text):
    data = io.StringIO()
    csv.writer(data).writerows([["key", "x"], [text, "-5"]])
    report, lines = made(data.getvalue().encode(), group_by=["key"], metrics={"x": ["min"]})
    assert keys(report, "key") == [text]
    assert lines == [{"key": f"'{text}", "rows": "1", "x.min": "-5"}]


@pytest.mark.parametrize(
    "text", ["-5", "+1.5", "-1e3", "-.5", "x=1", "5-6", " x", "\uff11", "\u00b2"]
)
def test_numbers_and_other_texts_are_not_guarded(text):
    _, lines = made(f"key\n{text}\n".encode(), group_by=["key"])
    assert [line["key"] for line in lines] == [text]


def test_a_heading_is_guarded_too():
    _, lines = made(b"=key,=x\na,1\n", group_by=["=key"], metrics={"=x": ["sum"]})
    assert lines == [{"'=key": "a", "rows": "1", "'=x.sum": "1"}]


def test_sums_beyond_the_floats_are_written_in_full():
    report, _ = made(b"x\n1.5e308\n1.5e308\n", metrics={"x": ["sum", "mean", "max"]})
    (group,) = report["groups"]
    assert group["metrics"]["x"]["sum"] == int(1.5e308) * 2
    assert group["metrics"]["x"]["mean"] == 1.5e308


def test_a_run_without_a_usable_row_has_an_empty_report():
    parameters = ReportParameters(group_by=["city"], metrics={"x": ["sum"]})
    assert document(None, parameters)["groups"] == []
    written = files(None, parameters)
    assert written["report.csv"] == b"city,rows,x.sum\r\n"
    assert json.loads(written["report.json"])["rows"] == 0
    assert set(written) == {f"report.{kind}" for kind in ("json", "csv", "parquet", "png", "html")}
    assert files(Summary(), parameters) == written


@pytest.mark.parametrize(
    ("top", "cities"),
    [
        ({"n": 2, "by": "x.sum"}, ["Bern", "Rome"]),
        ({"n": 2, "by": "x.sum", "order": "asc"}, ["Oslo", "Rome"]),
        ({"n": 2, "by": "rows"}, ["Oslo", "Rome"]),
        ({"n": 1, "by": "rows"}, ["Oslo"]),
        ({"n": 9, "by": "x.std"}, ["Rome", "Bern", "Oslo"]),
    ],
)
def test_top_keeps_the_best_groups_and_of_equals_the_first_keys(top, cities):
    report, lines = made(group_by=["city"], metrics={"x": ["sum", "std"]}, top=top)
    assert keys(report, "city") == [line["city"] for line in lines] == cities
    assert (report["rows"], report["total_groups"]) == (5, 3)


def test_the_best_groups_may_be_shown_in_another_order():
    top, sort = {"n": 2, "by": "x.sum"}, {"by": "city", "descending": True}
    report, _ = made(group_by=["city"], metrics={"x": ["sum"]}, top=top, sort=sort)
    assert keys(report, "city") == ["Rome", "Bern"]


def test_quantiles_and_distinct_counts_stand_beside_the_others():
    report, lines = made(
        group_by=["city"], metrics={"x": ["p50", "max"], "month": ["approx_distinct"]}
    )
    assert [group["metrics"] for group in report["groups"]] == [
        {"x": {"p50": 9, "max": 9}, "month": {"approx_distinct": 0}},
        {"x": {"p50": 1, "max": 1}, "month": {"approx_distinct": 2}},
        {"x": {"p50": 3, "max": 5}, "month": {"approx_distinct": 2}},
    ]
    assert lines[0] == {
        "city": "Bern",
        "rows": "1",
        "x.p50": "9",
        "x.max": "9",
        "month.approx_distinct": "0",
    }


def test_a_group_without_numbers_has_no_quantile():
    report, _ = made(b"x\nNA\n", metrics={"x": ["p50"]})
    assert [group["metrics"] for group in report["groups"]] == [{"x": {"p50": None}}]


SEVERAL = {
    "filter": [{"column": "x", "op": "not_null"}],
    "reports": [
        {"name": "by-city", "group_by": ["city"], "metrics": {"x": ["sum"]}},
        {"name": "by-month", "group_by": ["month"], "metrics": {"x": ["max", "sum"]}},
        {"name": "all"},
        {"name": "rome", "where": [{"column": "city", "op": "eq", "value": "Rome"}]},
    ],
}


def test_several_reports_are_each_what_they_are_alone():
    wanted = ReportParameters.model_validate(SEVERAL)
    partial, _ = summary(list(chunks(DATA, limits=BatchLimits(max_items=2))), wanted, 2)
    written = files(partial, wanted)
    for given in SEVERAL["reports"]:
        name, where = given["name"], given.get("where", [])
        alone = {k: v for k, v in given.items() if k not in ("name", "where")}
        alone["filter"] = [*SEVERAL["filter"], *where]
        parameters = ReportParameters.model_validate(alone)
        single, _ = summary(list(chunks(DATA)), parameters)
        expected = files(single, parameters)
        for kind in ("csv", "parquet", "png"):
            assert written[f"report-{name}.{kind}"] == expected[f"report.{kind}"]
        both = (json.loads(written[f"report-{name}.json"]), json.loads(expected["report.json"]))
        assert both[0]["groups"] == both[1]["groups"]
        assert both[0]["parameters"]["name"] == name


def test_the_files_of_several_reports_are_called_after_them_and_share_a_page():
    wanted = ReportParameters.model_validate(SEVERAL)
    names = {f"report-{given['name']}" for given in SEVERAL["reports"]}
    assert set(files(None, wanted)) == {
        "report.html",
        *(f"{name}.{kind}" for name in names for kind in ("json", "csv", "parquet", "png")),
    }


def test_a_row_that_one_report_refuses_is_in_none():
    wanted = ReportParameters.model_validate(
        {"reports": [{"name": "rows"}, {"name": "sums", "metrics": {"x": ["sum"]}}]}
    )
    partial, failures = summary(list(chunks(b"x\n1\nbad\n3\n")), wanted)
    assert [failure.index for failure in failures] == [1]
    assert partial is not None
    assert [view.rows for view in partial.views] == [2, 2]


def test_a_row_is_refused_only_for_what_a_report_that_it_is_in_needs():
    wanted = ReportParameters.model_validate(
        {
            "reports": [
                {"name": "rows"},
                {
                    "name": "sums",
                    "metrics": {"x": ["sum"]},
                    "where": [{"column": "kind", "op": "eq", "value": "a"}],
                },
            ]
        }
    )
    partial, failures = summary(list(chunks(b"kind,x\na,1\nb,bad\na,bad\n")), wanted)
    assert [failure.index for failure in failures] == [2]
    assert partial is not None
    assert [view.rows for view in partial.views] == [2, 1]


def test_parquet_has_a_row_for_each_group_with_types():
    wanted = ReportParameters.model_validate(
        {"group_by": ["city"], "metrics": {"x": ["count", "sum", "mean", "std"]}}
    )
    partial, _ = summary(list(chunks(DATA)), wanted)
    frame = pl.read_parquet(io.BytesIO(files(partial, wanted)["report.parquet"]))
    assert dict(frame.schema) == {
        "city": pl.String,
        "rows": pl.Int64,
        "x.count": pl.Int64,
        "x.sum": pl.Int64,
        "x.mean": pl.Float64,
        "x.std": pl.Float64,
    }
    assert frame.rows()[1:] == [("Oslo", 2, 1, 1, 1.0, None), ("Rome", 2, 2, 8, 4.0, 2**0.5)]


def test_parquet_keeps_names_apart_and_numbers_it_cannot_hold_as_the_nearest_it_can():
    wanted = ReportParameters.model_validate({"group_by": ["rows"], "metrics": {"x": ["sum"]}})
    data = b"rows,x\na,9223372036854775807\na,1\nb,1.7e308\nb,1.7e308\nc,-1.7e308\nc,-1.7e308\n"
    partial, _ = summary(list(chunks(data)), wanted)
    frame = pl.read_parquet(io.BytesIO(files(partial, wanted)["report.parquet"]))
    assert frame.columns == ["rows", "rows_", "x.sum"]
    assert frame["x.sum"].to_list() == [2.0**63, math.inf, -math.inf]


def test_an_empty_report_is_an_empty_table_in_parquet():
    wanted = ReportParameters.model_validate({"group_by": ["city"], "metrics": {"x": ["sum"]}})
    frame = pl.read_parquet(io.BytesIO(files(None, wanted)["report.parquet"]))
    assert (frame.height, frame.columns) == (0, ["city", "rows", "x.sum"])


def test_a_name_that_repeats_gets_an_underscore_in_csv_as_in_parquet():
    parameters = ReportParameters.model_validate(
        {"group_by": ["rows", "x.sum"], "metrics": {"x": ["sum"]}}
    )
    partial, _ = summary(list(chunks(b"rows,x.sum,x\na,b,7\n")), parameters)
    written = files(partial, parameters)
    (line,) = csv.DictReader(io.StringIO(written["report.csv"].decode()))
    expected = {"rows": "a", "x.sum": "b", "rows_": "1", "x.sum_": "7"}
    assert line == expected
    assert pl.read_parquet(written["report.parquet"]).columns == list(expected)
