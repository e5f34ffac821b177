import json
from dataclasses import replace
from typing import Any

import pytest

from fanout.models.outcome import ErrorInfo
from fanout.models.request import BatchLimits
from fanout.models.selection import ConstantSelector
from fanout.records import Chunk
from fanout.workload import Failure
from tests.support.workloads.report_runs import (
    REPORTS,
    chunks,
    context,
    document,
    inline,
    report,
    summary,
)
from workloads.reports.parameters import ReportParameters

CITIES = b"""city,mm,day
Oslo,3.5,1
Oslo,0.5,2
Rome,1,3
Rome,,4
,NA,5
"""


def figures(made: dict[str, Any]) -> dict[str | None, Any]:
    return {
        next(iter(group["key"].values()), "all"): (group["rows"], group["metrics"])
        for group in made["groups"]
    }


def test_rows_are_counted_by_group_and_metrics_taken_of_what_is_there():
    made = report(CITIES, group_by=["city"], metrics={"mm": ["count", "sum", "mean", "min"]})
    assert made["rows"] == 5
    assert figures(made) == {
        "Oslo": (2, {"mm": {"count": 2, "sum": 4.0, "mean": 2.0, "min": 0.5}}),
        "Rome": (2, {"mm": {"count": 1, "sum": 1.0, "mean": 1.0, "min": 1.0}}),
        None: (1, {"mm": {"count": 0, "sum": 0.0, "mean": None, "min": None}}),
    }


def test_whole_numbers_stay_whole():
    made = report(b"x\n3\n9007199254740993\n-5\n", metrics={"x": ["sum", "min", "max", "mean"]})
    (metrics,) = [group["metrics"]["x"] for group in made["groups"]]
    assert metrics == {
        "sum": 9007199254740991,
        "min": -5,
        "max": 9007199254740993,
        "mean": 9007199254740991 / 3,
    }
    assert [type(metrics[name]) for name in metrics] == [int, int, int, float]


def test_without_group_by_all_rows_are_one_group():
    assert figures(report(CITIES, metrics={"day": ["sum"]})) == {"all": (5, {"day": {"sum": 15}})}


def test_without_anything_rows_are_counted():
    assert figures(report(CITIES)) == {"all": (5, {})}


def test_one_number_has_no_deviation():
    made = report(b"x\n4\n", metrics={"x": ["std"]})
    assert figures(made) == {"all": (1, {"x": {"std": None}})}


@pytest.mark.parametrize("key", ["k0", "n0", "n0.count", "all", "real", "exponent", "len", "text"])
def test_no_column_name_clashes_with_those_inside(key):
    data = f"{key},x\na,1.5\na,9007199254740993\n".encode()
    made = report(data, group_by=[key], metrics={"x": ["count"]})
    assert figures(made) == {"a": (2, {"x": {"count": 2}})}


def test_a_column_may_be_grouped_measured_and_filtered_at_once():
    made = report(
        b"x\n1\n2\n2\n3\n",
        group_by=["x"],
        metrics={"x": ["sum"]},
        filter=[{"column": "x", "op": "ge", "value": 2}],
    )
    assert figures(made) == {"2": (2, {"x": {"sum": 4}}), "3": (1, {"x": {"sum": 3}})}


@pytest.mark.parametrize(
    ("op", "value", "days"),
    [
        ("eq", "Oslo", {"1", "2"}),
        ("ne", "Oslo", {"3", "4"}),
        ("in", ["Rome", "Paris"], {"3", "4"}),
        ("not_in", ["Rome", "Paris"], {"1", "2"}),
        ("is_null", None, {"5"}),
        ("not_null", None, {"1", "2", "3", "4"}),
        ("gt", "Oslo", {"3", "4"}),
        ("le", "Oslo", {"1", "2"}),
    ],
)
def test_texts_are_filtered(op, value, days):
    made = report(CITIES, group_by=["day"], filter=[{"column": "city", "op": op, "value": value}])
    assert set(figures(made)) == days


@pytest.mark.parametrize(
    ("op", "value", "kept"),
    [
        ("eq", 1, {"1", "1.0"}),
        ("ne", 1, {"-2", "10", "9007199254740993"}),
        ("lt", 1.5, {"1", "1.0", "-2"}),
        ("ge", 10, {"10", "9007199254740993"}),
        ("in", [1, 10.0], {"1", "1.0", "10"}),
        ("not_in", [1, 10], {"-2", "9007199254740993"}),
        ("in", [], set()),
        ("eq", 9007199254740992, set()),
        ("gt", 9007199254740992, {"9007199254740993"}),
        ("le", 1e300, {"1", "1.0", "-2", "10", "9007199254740993"}),
    ],
)
@pytest.mark.parametrize("with_huge", [True, False])
def test_numbers_are_filtered_by_value(op, value, kept, with_huge):
    rows = ["1", "1.0", "-2", "10", "", "9007199254740993"][: 6 if with_huge else 5]
    data = "\n".join(["x,y", *(f"{row},1" for row in rows)]).encode()
    made = report(data, group_by=["x"], filter=[{"column": "x", "op": op, "value": value}])
    assert set(figures(made)) == kept & set(rows)


def test_every_condition_must_hold():
    both = [
        {"column": "city", "op": "eq", "value": "Oslo"},
        {"column": "mm", "op": "lt", "value": 1},
    ]
    assert set(figures(report(CITIES, group_by=["day"], filter=both))) == {"2"}


COUNTRIES = b"country,n\nNA,1\nDE,2\nNA,NA\n,3\n"
COUNTRY_ITEMS = [
    {"country": "NA", "n": 1},
    {"country": "DE"},
    {"country": "NA", "n": "NA"},
    {"n": 3},
]


@pytest.mark.parametrize("data", [COUNTRIES, COUNTRIES.replace(b"DE", b'"DE"')])
def test_a_report_says_how_many_cells_it_took_for_missing(data: bytes):
    made = report(data, group_by=["country"], metrics={"n": ["sum"]})
    assert made["nulls"] == {"country": {"NA": 2}, "n": {"NA": 1}}
    assert made["notes"] == [
        "2 cells 'NA' of the column 'country' count as missing (null_values)",
        "1 cell 'NA' of the column 'n' count as missing (null_values)",
    ]
    assert report(data, metrics={"n": ["sum"]})["nulls"] == {"n": {"NA": 1}}


def test_the_same_is_said_of_rows_of_json_however_they_are_cut():
    parameters = ReportParameters(group_by=["country"], metrics={"n": ["sum"]})
    lines = b"".join(json.dumps(item).encode() + b"\n" for item in COUNTRY_ITEMS)
    batches = list(chunks(lines, "jsonl", BatchLimits(max_items=1)))
    partial, failures = summary(batches, parameters)
    assert failures == []
    assert document(partial, parameters)["nulls"] == {"country": {"NA": 2}, "n": {"NA": 1}}


def test_namibia_is_a_country_where_the_caller_says_so():
    made = report(b"country\nNA\nDE\n", group_by=["country"], null_values=[""])
    assert [group["key"]["country"] for group in made["groups"]] == ["DE", "NA"]
    assert (made["nulls"], made["notes"]) == ({}, [])


def test_a_report_says_which_figures_parquet_cannot_hold():
    made = report(b"n\n%d\n1\n" % 2**63, metrics={"n": ["sum", "min"]})
    assert made["groups"][0]["metrics"]["n"] == {"sum": 2**63 + 1, "min": 1}
    assert made["notes"] == [
        "'n.sum' has whole numbers beyond 64 bits: in Parquet they are the nearest floats"
    ]


def test_null_values_can_be_chosen():
    made = report(b"x,y\n-999,1\n5,2\n", metrics={"x": ["count", "sum"]}, null_values=["-999"])
    assert figures(made) == {"all": (2, {"x": {"count": 1, "sum": 5}})}


def test_an_empty_cell_that_is_no_null_value_is_no_number():
    parameters = ReportParameters(metrics={"x": ["sum"]}, null_values=["NA"])
    _, failures = summary(list(chunks(b"x,y\n,1\nNA,2\n")), parameters)
    assert [failure.index for failure in failures] == [0]


def test_a_cell_that_is_no_number_fails_its_row_alone_and_names_place_column_and_value():
    data = b'city,mm,note\nOslo,1,"two\nlines"\nOslo,much,\nRome,2,\nRome,3,"x,y"\n'
    parameters = ReportParameters(group_by=["city"], metrics={"mm": ["sum"]})
    partial, failures = summary(list(chunks(data)), parameters)
    message = "line 4: column 'mm' has 'much', which is not a number"
    assert failures == [Failure(1, ErrorInfo(type="CsvValueError", message=message))]
    assert figures(document(partial, parameters)) == {
        "Oslo": (1, {"mm": {"sum": 1}}),
        "Rome": (2, {"mm": {"sum": 5}}),
    }


@pytest.mark.parametrize("cell", ["9" * 5_020, "-" + "1" * 20_000, "1e" + "9" * 5_020])
def test_a_cell_of_very_many_digits_fails_its_row_alone(cell: str):
    data = f"city,mm\nOslo,1\nOslo,{cell}\nOslo,2\n".encode()
    parameters = ReportParameters(group_by=["city"], metrics={"mm": ["sum"]})
    partial, failures = summary(list(chunks(data)), parameters)
    assert [(failure.index, failure.error.type) for failure in failures] == [(1, "CsvValueError")]
    assert len(failures[0].error.message) < 1_000
    assert figures(document(partial, parameters)) == {"Oslo": (2, {"mm": {"sum": 3}})}


@pytest.mark.parametrize("max_items", [1, 2, 100])
def test_lines_and_indexes_are_those_of_the_source_in_every_batch(max_items):
    data = b"x\n1\n\n\nbad\n2\nworse\n"
    batches = list(chunks(data, "csv", BatchLimits(max_items=max_items)))
    _, failures = summary(batches, ReportParameters(metrics={"x": ["sum"]}))
    assert [(f.index, f.error.message.split(":")[0]) for f in failures] == [
        (1, "line 5"),
        (3, "line 7"),
    ]


def test_a_row_that_does_not_parse_is_a_failure_and_the_others_are_used():
    data = b"city,mm\nOslo,1\nOslo\nOslo,much\nRome,2,3\nRome,4\n"
    parameters = ReportParameters(group_by=["city"], metrics={"mm": ["sum"]})
    partial, failures = summary(list(chunks(data)), parameters)
    assert sorted((f.index, f.error.type) for f in failures) == [
        (1, "CsvRowError"),
        (2, "CsvValueError"),
        (3, "CsvRowError"),
    ]
    assert [f.error.message.split(":")[0] for f in sorted(failures, key=lambda f: f.index)] == [
        "line 3",
        "line 4",
        "line 5",
    ]
    assert figures(document(partial, parameters)) == {
        "Oslo": (1, {"mm": {"sum": 1}}),
        "Rome": (1, {"mm": {"sum": 4}}),
    }


def test_cells_of_rows_that_are_filtered_out_are_not_looked_at():
    parameters = ReportParameters.model_validate(
        {"metrics": {"x": ["sum"]}, "filter": [{"column": "y", "op": "eq", "value": "a"}]}
    )
    partial, failures = summary(list(chunks(b"x,y\n1,a\nbad,b\n")), parameters)
    assert failures == []
    assert partial is not None
    assert partial.views[0].rows == 1


def test_a_cell_that_a_filter_compares_as_a_number_must_be_one():
    parameters = ReportParameters.model_validate(
        {"metrics": {"x": ["sum"]}, "filter": [{"column": "y", "op": "gt", "value": 0}]}
    )
    partial, failures = summary(list(chunks(b"x,y\n1,2\nbad,b\n5,b\n6,-1\n")), parameters)
    assert [(f.index, "column 'y'" in f.error.message) for f in failures] == [(1, True), (2, True)]
    assert partial is not None
    assert partial.views[0].rows == 1


def test_a_long_value_is_cut_short_in_the_message():
    parameters = ReportParameters(metrics={"x": ["sum"]})
    _, (failure,) = summary(list(chunks(b"x\n" + b"y" * 5000 + b"\n")), parameters)
    assert len(failure.error.message) < 200


def test_a_column_that_is_not_there_is_a_permanent_error():
    (chunk,) = chunks(b"x\n1\n2\n")
    result = REPORTS.process_chunk(chunk, context(ReportParameters(group_by=["y"])))
    first, second = result.failures
    assert (first.index, second.index) == (0, 1)
    # One object for all, so that the batch tells of them in one line.
    assert first.error is second.error
    assert (first.error.type, first.error.retryable) == ("PermanentError", False)
    assert "no column 'y'" in first.error.message


def test_selected_fields_are_columns_too():
    (chunk,) = chunks(b"x\n1\n2\n")
    selected = replace(chunk, selection={"year": ConstantSelector(const=2013)})
    parameters = ReportParameters(group_by=["year"], metrics={"x": ["sum"]})
    partial, failures = summary([selected], parameters)
    assert failures == []
    assert figures(document(partial, parameters)) == {"2013": (2, {"x": {"sum": 3}})}


def test_a_refused_batch_is_one_failure():
    fault = ErrorInfo(type="RecordTooLargeError", message="line 2: too large")
    chunk = Chunk("csv", b"", ["x"], 7, 2, 1, fault)
    made = REPORTS.process_chunk(chunk, context(ReportParameters(metrics={"x": ["sum"]})))
    assert made.failures == [Failure(7, fault)]
    assert made.partial.views[0].groups == {}


ITEMS = [
    {"city": "Oslo", "mm": "3.5", "day": 1, "wet": True},
    {"city": "Oslo", "mm": 0.5, "day": 2, "wet": False},
    {"city": "Rome", "mm": 1, "day": 3, "wet": True},
    {"city": "Rome", "day": 4, "wet": None},
    {"city": None, "mm": "NA", "day": 5},
]
MEASURES: dict[str, Any] = {"metrics": {"mm": ["count", "sum", "mean", "min"], "day": ["sum"]}}


@pytest.mark.parametrize("kind", ["jsonl", "inline"])
def test_json_makes_the_same_report_as_csv(kind):
    parameters = ReportParameters(group_by=["city"], **MEASURES)
    if kind == "jsonl":
        batches = list(chunks("\n".join(map(json.dumps, ITEMS)).encode(), "jsonl"))
    else:
        batches = [inline(ITEMS)]
    partial, failures = summary(batches, parameters)
    assert failures == []
    assert document(partial, parameters) == report(CITIES, group_by=["city"], **MEASURES)


def test_json_values_are_grouped_and_compared_by_their_text():
    parameters = ReportParameters.model_validate(
        {"group_by": ["wet"], "filter": [{"column": "wet", "op": "eq", "value": True}]}
    )
    partial, _ = summary([inline(ITEMS)], parameters)
    assert figures(document(partial, parameters)) == {"true": (2, {})}


def test_items_that_are_no_objects_or_no_numbers_are_failures():
    items = [{"x": 1}, 5, {"x": True}, {"x": [1]}, {"x": 10**4000}, {}]
    batch = replace(inline(items), first_index=10)
    partial, failures = summary([batch], ReportParameters(metrics={"x": ["sum"]}))
    assert [(f.index, f.error.type, f.error.message.split(":")[0]) for f in failures] == [
        (11, "JsonItemError", "item 11"),
        (12, "JsonValueError", "item 12"),
        (13, "JsonValueError", "item 13"),
        (14, "JsonValueError", "item 14"),
    ]
    assert partial is not None
    assert partial.views[0].rows == 2


def test_a_line_of_json_lines_that_is_no_number_is_named():
    parameters = ReportParameters(metrics={"x": ["sum"]})
    _, failures = summary(list(chunks(b'{"x": 1}\n{"x": "a"}\n', "jsonl")), parameters)
    assert [f.error.message for f in failures] == [
        "line 2: column 'x' has 'a', which is not a number"
    ]


def test_every_index_fails_once():
    data = b"x,y\nbad,bad\n1\n"
    parameters = ReportParameters(metrics={"x": ["sum"], "y": ["sum"]})
    _, failures = summary(list(chunks(data)), parameters)
    assert sorted(f.index for f in failures) == [0, 1]


@pytest.mark.parametrize("column", ["*", "^x$", "^.*$", "", "\0", "$x$", "k0", "value", "x" * 3000])
def test_a_column_may_have_any_name(column: str):
    items = [{column: "1", "x": 2}, {column: "2", "x": 3}, {column: "NA", "x": 4}]
    parameters = ReportParameters.model_validate(
        {
            "group_by": [column],
            "metrics": {"x": ["sum"], column: ["sum", "approx_distinct"]},
            "filter": [{"column": column, "op": "ge", "value": 1}],
        }
    )
    partial, failures = summary([inline(items)], parameters)
    assert failures == []
    made = document(partial, parameters)
    assert [(group["key"][column], group["metrics"]) for group in made["groups"]] == [
        ("1", {"x": {"sum": 2}, column: {"sum": 1, "approx_distinct": 1}}),
        ("2", {"x": {"sum": 3}, column: {"sum": 2, "approx_distinct": 1}}),
    ]
    assert made["nulls"] == {column: {"NA": 1}}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"a\n1\n2\n", "csv"),
        (b'a\nx"1\n2\n', "csv"),
        (b'{"a": 1}\n{}\n', "jsonl"),
    ],
)
def test_a_report_of_no_column_counts_the_rows_of_every_kind_of_source(data: bytes, kind: str):
    made = report(data, kind)
    assert [(group["key"], group["rows"]) for group in made["groups"]] == [({}, 2)]
