import csv
import io
import json
from typing import Any

import pytest

from tests.support.report_runs import chunks, document, files, summary
from workloads.reports.parameters import ReportParameters
from workloads.reports.partial import Partial

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


@pytest.mark.parametrize("text", ["=1+2", "+x", "-x", "@sum", '=HYPERLINK("a")', "\tx", "\rx"])
def test_a_text_that_a_spreadsheet_would_run_is_guarded(text):
    data = io.StringIO()
    csv.writer(data).writerows([["key", "x"], [text, "-5"]])
    report, lines = made(data.getvalue().encode(), group_by=["key"], metrics={"x": ["min"]})
    assert keys(report, "key") == [text]
    assert lines == [{"key": f"'{text}", "rows": "1", "x.min": "-5"}]


@pytest.mark.parametrize("text", ["-5", "+1.5", "-1e3", "-.5", "x=1", "5-6"])
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
    assert set(written) == {"report.json", "report.csv", "report.png"}
    assert files(Partial({}), parameters) == written
