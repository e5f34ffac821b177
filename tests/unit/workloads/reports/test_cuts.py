"""The report is that of the whole table, exactly, however the table is cut."""

import csv
import io
import math
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fanout.models.request import BatchLimits
from samples.flights import EXCERPT, ROWS, write_flights
from tests.support.report_runs import WHOLE, chunks, files, made, summary
from workloads.reports.parameters import ReportParameters
from workloads.reports.rendering.report import Report, make_reports

ALL = ["count", "sum", "mean", "min", "max", "std"]
RELATIVE = 1e-9

keys = st.sampled_from(["a", "b", "é", "x,y", 'say "hi"', "", "NA", "7"])
missing = st.sampled_from(["", "NA"])
whole_numbers = st.one_of(st.integers(-1000, 1000), st.integers()).map(str)
reals = st.one_of(st.floats(-1e6, 1e6), st.floats(-1e300, 1e300)).map(repr)
# Far from zero and close together: where sums of squares cancel, unless they are exact.
offsets = st.floats(0, 1).map(lambda spread: repr(1e9 + spread))
rows = st.lists(
    st.tuples(
        keys,
        st.one_of(missing, whole_numbers),
        st.one_of(missing, whole_numbers, reals),
        st.one_of(missing, offsets),
    ),
    max_size=30,
)
limits = st.builds(
    BatchLimits, max_items=st.integers(1, 12), max_bytes=st.integers(1, 400) | st.just(10**6)
)
PARAMETERS = ReportParameters.model_validate(
    {"group_by": ["key"], "metrics": {"whole": ALL, "mixed": ALL, "offset": ALL}}
)


def as_csv(table: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([("key", "whole", "mixed", "offset"), *table])
    return text.getvalue().encode()


def exactly(table: list[tuple[str, ...]]) -> dict[str | None, dict[str, Any]]:
    """The figures by definition, from exact fractions."""
    groups: dict[str | None, list[tuple[str, ...]]] = defaultdict(list)
    for row in table:
        groups[None if row[0] in ("", "NA") else row[0]].append(row)
    return {
        key: {
            name: figures([row[column] for row in members], is_whole(table, column))
            for column, name in enumerate(("whole", "mixed", "offset"), 1)
        }
        for key, members in groups.items()
    }


def is_whole(table: list[tuple[str, ...]], column: int) -> bool:
    return all(row[column] in ("", "NA") or row[column].lstrip("-").isdigit() for row in table)


def figures(texts: list[str], whole: bool) -> dict[str, Any]:
    numbers = [
        Fraction(text) if text.lstrip("-").isdigit() else Fraction(float(text))
        for text in texts
        if text not in ("", "NA")
    ]
    count, total = len(numbers), sum(numbers)
    shown = int if whole else float
    deviations = sum((number - total / count) ** 2 for number in numbers)
    return {
        "count": count,
        "sum": shown(total),
        "mean": float(total / count) if count else None,
        "min": shown(min(numbers)) if numbers else None,
        "max": shown(max(numbers)) if numbers else None,
        "std": root(deviations / (count - 1)) if count > 1 else None,
    }


def root(square: Fraction) -> Any:
    """Scaled by a power of four, so that neither end of the floats is reached."""
    if not square:
        return 0.0
    exponent = (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    scaled = math.sqrt(square / Fraction(4) ** exponent)
    return pytest.approx(math.ldexp(scaled, exponent), rel=1e-15, abs=0)


@settings(max_examples=150, deadline=None)
@given(rows, limits, st.integers(1, 4))
def test_any_table_in_any_batches_gives_the_exact_figures(table, cuts, batches_per_partition):
    data = as_csv(table)
    partial, failures = summary(list(chunks(data, "csv", cuts)), PARAMETERS, batches_per_partition)
    assert failures == []
    expected = exactly(table)
    if partial is None:
        assert expected == {}
        return
    report = made(partial, PARAMETERS)
    found = {group.key[0]: group.figures for group in report.groups}
    assert {
        key: {
            f"{column}.{metric}": value
            for column, metrics in by_column.items()
            for metric, value in metrics.items()
        }
        for key, by_column in expected.items()
    } == {key: {k: v for k, v in shown.items() if k != "rows"} for key, shown in found.items()}


@settings(max_examples=50, deadline=None)
@given(rows, limits, st.integers(1, 4))
def test_the_files_are_the_same_byte_for_byte(table, cuts, batches_per_partition):
    data = as_csv(table)
    whole, _ = summary(list(chunks(data)), PARAMETERS)
    parts, _ = summary(list(chunks(data, "csv", cuts)), PARAMETERS, batches_per_partition)
    one, other = (None if p is None else made(p, PARAMETERS) for p in (whole, parts))
    assert (one and one.to_json()) == (other and other.to_json())
    assert (one and one.to_csv()) == (other and other.to_csv())


SKETCHED = ReportParameters.model_validate(
    {
        "reports": [
            {
                "name": "by-key",
                "group_by": ["key"],
                "metrics": {"mixed": ["p1", "p50", "p99.9", "mean"], "whole": ["approx_distinct"]},
            },
            {"name": "all", "metrics": {"key": ["approx_distinct"], "offset": ["quantiles"]}},
        ]
    }
)


@settings(max_examples=50, deadline=None)
@given(rows, limits, st.integers(1, 4))
def test_sketches_are_the_same_byte_for_byte(table, cuts, batches_per_partition):
    data = as_csv(table)
    whole, _ = summary(list(chunks(data)), SKETCHED)
    parts, _ = summary(list(chunks(data, "csv", cuts)), SKETCHED, batches_per_partition)
    one, other = (
        [r.to_csv() for r in make_reports(p, SKETCHED)] if p else None for p in (whole, parts)
    )
    assert one == other


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("samples") / "flights.csv"
    write_flights(path)
    return path


def of_polars(path: Path, group_by: list[str], columns: list[str]) -> dict[Any, dict[str, Any]]:
    """What polars alone says of the whole file, in one go."""
    whole = pl.scan_csv(path, null_values=["", "NA"], infer_schema_length=None)
    figures = [
        getattr(pl.col(column), metric)().alias(f"{column}.{metric}")
        for column in columns
        for metric in ALL
    ]
    frame = whole.group_by(group_by).agg(pl.len().alias("rows"), *figures).collect()
    width = len(group_by)
    names = frame.columns[width:]
    return {
        tuple(None if part is None else str(part) for part in row[:width]): dict(
            zip(names, row[width:], strict=True)
        )
        for row in frame.iter_rows()
    }


def assert_equals_polars(path: Path, report: Report) -> None:
    wanted = report.view
    expected = of_polars(path, wanted.key_names, list(wanted.metrics))
    assert {group.key for group in report.groups} == set(expected)
    for group in report.groups:
        for name, value in expected[group.key].items():
            found = group.figures[name]
            if isinstance(value, float):
                assert found == pytest.approx(value, rel=RELATIVE, abs=0), (group.key, name)
            else:
                assert (type(found), found) == (type(value), value), (group.key, name)


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    max_items=st.integers(10_000, 400_000),
    max_bytes=st.integers(400_000, 8_000_000),
    batches_per_partition=st.integers(1, 100),
    group_by=st.sampled_from([["carrier"], ["origin", "month"], ["tailnum"]]),
)
def test_the_report_of_all_flights_equals_polars_over_the_whole_file(
    flights, max_items, max_bytes, batches_per_partition, group_by
):
    parameters = ReportParameters.model_validate(
        {"group_by": group_by, "metrics": {"dep_delay": ALL, "air_time": ALL}}
    )
    cuts = BatchLimits(max_items=max_items, max_bytes=max_bytes)
    batches = list(chunks(flights.read_bytes(), "csv", cuts))
    partial, failures = summary(batches, parameters, batches_per_partition)
    assert failures == []
    assert partial is not None
    assert partial.views[0].rows == ROWS
    assert_equals_polars(flights, made(partial, parameters))


@settings(max_examples=25, deadline=None)
@given(limits, st.integers(1, 100), st.sampled_from([["dest"], ["day", "origin"]]))
def test_the_report_of_the_excerpt_equals_polars(cuts, batches_per_partition, group_by):
    parameters = ReportParameters.model_validate(
        {"group_by": group_by, "metrics": {"arr_delay": ALL, "distance": ALL}}
    )
    large = cuts.model_copy(
        update={"max_items": cuts.max_items * 40, "max_bytes": cuts.max_bytes * 1000}
    )
    batches = list(chunks(EXCERPT.read_bytes(), "csv", large))
    partial, failures = summary(batches, parameters, batches_per_partition)
    assert failures == []
    assert partial is not None
    assert_equals_polars(EXCERPT, made(partial, parameters))


def test_the_same_report_is_the_same_picture():
    data = EXCERPT.read_bytes()
    parameters = ReportParameters.model_validate(
        {"group_by": ["carrier"], "metrics": {"distance": ["mean"]}}
    )
    whole, _ = summary(list(chunks(data, "csv", WHOLE)), parameters)
    parts, _ = summary(list(chunks(data, "csv", BatchLimits(max_items=300))), parameters, 2)
    assert files(whole, parameters) == files(parts, parameters)


def test_sketches_of_all_flights_are_close_to_polars(flights):
    parameters = ReportParameters.model_validate(
        {
            "group_by": ["carrier", {"column": "time_hour", "every": "month"}],
            "metrics": {
                "dep_delay": ["p50", "p90", "p99"],
                "distance": ["p25"],
                "tailnum": ["approx_distinct"],
            },
        }
    )
    limit = BatchLimits(max_items=100_000, max_bytes=3_000_000)
    partial, failures = summary(list(chunks(flights.read_bytes(), "csv", limit)), parameters)
    assert failures == []
    month = pl.col("time_hour").str.slice(0, 7).alias("month")
    delays = [
        pl.col("dep_delay")
        .drop_nulls()
        .sort()
        .get(
            ((pl.col("dep_delay").count() * part).ceil().clip(1) - 1).cast(pl.Int64),
            null_on_oob=True,
        )
        .alias(name)
        for name, part in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
    ]
    exact = (
        pl.read_csv(
            flights, null_values=["", "NA"], infer_schema_length=None, try_parse_dates=False
        )
        .group_by("carrier", month)
        .agg(*delays, pl.col("tailnum").drop_nulls().n_unique().alias("tails"))
    )
    expected = {row[:2]: row[2:] for row in exact.iter_rows()}
    found = {group.key: group.figures for group in made(partial, parameters).groups}
    assert found.keys() == expected.keys()
    for key, (*quantiles, tails) in expected.items():
        for name, value in zip(("p50", "p90", "p99"), quantiles, strict=True):
            assert found[key][f"dep_delay.{name}"] == pytest.approx(value, rel=1 / 256, abs=0)
        assert found[key]["tailnum.approx_distinct"] == pytest.approx(tails, rel=0.08, abs=1)
